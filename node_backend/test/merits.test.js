'use strict';

const assert = require('node:assert/strict');
const { after, before, beforeEach, test } = require('node:test');
const { startBackend, token, add, addCadet, addUser, message } = require('./harness');

let backend, db, api, staff, giver, who;
const self = () => token({ role: 'cadet', cadetId: who });
const post = (body) => api('POST', '/grading/merit-logs', { token: staff, body });
const log = (values) => add(db, 'merit_demerit_logs', { cadet_id: who, type: 'merit', points: 1, ...values });

before(async () => {
  backend = await startBackend();
  ({ db, api } = backend);
});
beforeEach(async () => {
  await db.query('TRUNCATE cadets, users, audit_logs CASCADE');
  giver = await addUser(db, { role: 'training_staff' });
  staff = token({ id: giver, role: 'training_staff' });
  who = await addCadet(db, { first_name: 'Ana', last_name: 'Lim', company: 'Alpha' });
});
after(() => backend?.stop());

test('a merit is dated by the database, signed by its giver, and its points may be negative', async () => {
  const { status, body } = await post({ cadetId: who, type: 'merit', points: -3, issuedByName: 'Sgt Abad' });
  assert.equal(status, 200);
  assert.deepEqual([body.points, body.issued_by, body.issued_by_name, body.reason], [-3, giver, 'Sgt Abad', null]);
  assert.ok(Math.abs(Date.parse(body.date_recorded) - Date.now()) < 60000);
});

test('a trigger audits what is given and what is taken back', async () => {
  const { body } = await post({ cadetId: who, type: 'demerit', points: 5 });
  const answer = await api('DELETE', `/grading/merit-logs/${body.id}`, { token: staff });
  assert.deepEqual(message(answer), [200, 'Merit log deleted']);
  const { rows } = await db.query('SELECT operation, record_id, user_id, payload FROM audit_logs ORDER BY id');
  assert.deepEqual(rows.map((row) => [row.operation, row.record_id, row.user_id, row.payload.points]),
    [['INSERT', `${body.id}`, giver, 5], ['DELETE', `${body.id}`, giver, 5]]);
  assert.equal((await api('DELETE', `/grading/merit-logs/${body.id}`, { token: staff })).status, 200);
  assert.equal(await db.value('SELECT count(*) FROM audit_logs'), '2');
});

test('0 points are points, an unknown type is a 500 with the text of the database', async () => {
  assert.equal((await post({ cadetId: who, type: 'merit', points: 0 })).body.points, 0);
  assert.deepEqual(message(await post({ cadetId: who, type: 'merit' })), [400, 'Missing required fields']);
  assert.match((await post({ cadetId: who, type: 'bonus', points: 1 })).body.message,
    /violates check constraint "merit_demerit_logs_type_check"/);
  assert.deepEqual(message(await post({ cadetId: who, type: 'merit', points: 1.5 })),
    [500, 'invalid input syntax for type integer: "1.5"']);
  const denied = await api('POST', '/grading/merit-logs', { token: self(), body: {} });
  assert.deepEqual(message(denied), [403, 'Access denied']);
});

test('the list is newest first, equal times as the database finds them, and a cadet sees its own only', async () => {
  const then = '2024-08-05 09:00:00';
  const [a, b] = [await log({ date_recorded: then }), await log({ date_recorded: then })];
  const late = await log({ date_recorded: '2024-09-01', type: 'demerit' });
  await log({ cadet_id: await addCadet(db) });
  const ids = async (asker, query) => {
    const { body } = await api('GET', `/grading/merit-logs${query}`, { token: asker });
    return body.data.map((row) => row.id);
  };
  assert.deepEqual(await ids(staff, `?cadetId=${who}`), [late, a, b]);
  await db.query('UPDATE merit_demerit_logs SET reason = $1 WHERE id = $2', ['x', a]);
  assert.notDeepEqual(await ids(self(), ''), [late, a, b]);
  assert.deepEqual(await ids(staff, '?type=demerit'), [late]);
});

test('the ledger invents its first and its last row, and their time is now', async () => {
  const older = await log({ points: 5, date_recorded: '2024-08-05' });
  await log({ type: 'demerit', points: 8, date_recorded: '2024-08-06' });
  const ledger = async () => (await api('GET', `/grading/cadets/${who}/ledger`, { token: self() })).body;
  const rows = await ledger();
  assert.deepEqual(rows.map((row) => [row.reason, row.balance]),
    [['Base aptitude', 100], [null, 105], [null, 97], ['Current balance', 97]]);
  assert.equal(rows[1].id, older);
  const { date_recorded: now, ...first } = rows[0];
  assert.deepEqual(first, { id: null, cadet_id: who, type: 'merit', points: 100, reason: 'Base aptitude',
    issued_by: null, issued_by_name: 'System', balance: 100 });
  assert.ok(Date.now() - Date.parse(now) < 60000);
  assert.equal(await db.value('SELECT count(*) FROM merit_demerit_logs'), '2');
});

test('two readings of the ledger never agree', async () => {
  const ledger = async () => (await api('GET', `/grading/cadets/${who}/ledger`, { token: staff })).text;
  const first = await ledger();
  await new Promise((done) => { setTimeout(done, 5); });
  assert.notEqual(first, await ledger());
});

test('the ledger of nobody is the invented rows alone', async () => {
  const { body } = await api('GET', '/grading/cadets/999999/ledger', { token: staff });
  assert.deepEqual(body.map((row) => row.reason), ['Base aptitude', 'Current balance']);
});

test('the leaderboard ranks by merits less demerits, as strings, and stays the same for a minute', async () => {
  await log({ points: 5 });
  await log({ type: 'demerit', points: 2 });
  const other = await addCadet(db);
  await log({ cadet_id: await addCadet(db, { is_archived: true }), points: 99 });
  const expected = [
    { rank: 1, cadetId: who, firstName: 'Ana', lastName: 'Lim', company: 'Alpha', merits: '5', demerits: '2',
      points: '3' },
    { rank: 2, cadetId: other, firstName: 'Juan', lastName: 'Cruz', company: null, merits: '0', demerits: '0',
      points: '0' },
  ];
  const board = (query = '') => api('GET', `/grading/leaderboard${query}`, { token: self() });
  const first = await board();
  assert.deepEqual([first.body, first.headers['x-cache']], [expected, 'MISS']);
  await log({ cadet_id: other, points: 50 });
  const second = await board();
  assert.deepEqual([second.body, second.headers['x-cache']], [expected, 'HIT']);
  const another = await board('?limit=1');
  assert.deepEqual([another.body[0].cadetId, another.headers['x-cache']], [other, 'MISS']);
  assert.deepEqual(message(await board('?limit=-1')), [500, 'LIMIT must not be negative']);
});
