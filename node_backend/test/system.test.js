'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { cached, TTL_MS } = require('../src/cache');
const { startBackend, token, addCadet, addUser } = require('./harness');

let backend, db, api;
const admin = token({ role: 'admin' });
const cadet = token({ role: 'cadet' });
const message = (answer) => [answer.status, answer.body.message];

before(async () => {
  backend = await startBackend();
  ({ db, api } = backend);
});
after(() => backend?.stop());

test('audit logs come newest first with the id and the total as strings', async () => {
  await db.query(`INSERT INTO audit_logs (id, table_name, operation, payload) VALUES
    (9007199254740993, 'grades', 'INSERT', '{"a": 1}'), (5, 'cadets', 'DELETE', NULL)`);
  const { body } = await api('GET', '/system/audit-logs', { token: admin });
  assert.equal(body.total, '2');
  assert.deepEqual(body.data.map((row) => row.id), ['9007199254740993', '5']);
  assert.deepEqual(body.data[0].payload, { a: 1 });
  const some = await api('GET', '/system/audit-logs?table_name=cadets', { token: admin });
  assert.deepEqual(some.body.data.map((row) => row.id), ['5']);
});

test('only an admin reads the audit logs and writes settings, and only staff sees the statistics', async () => {
  const denied = [403, 'Access denied'];
  const staff = token({ role: 'training_staff' });
  assert.deepEqual(message(await api('GET', '/system/audit-logs', { token: staff })), denied);
  assert.deepEqual(message(await api('PUT', '/system/settings', { token: cadet, body: {} })), denied);
  assert.deepEqual(message(await api('GET', '/system/stats', { token: cadet })), denied);
});

test('settings are stored as text, booleans as 1 and 0', async () => {
  const body = { maintenance: true, signup: false, semester: 'first', limit: 5, nothing: null };
  const expected = { maintenance: '1', signup: '0', semester: 'first', limit: '5', nothing: null };
  const answer = await api('PUT', '/system/settings', { token: admin, body });
  assert.deepEqual([answer.status, answer.body], [200, expected]);
  const again = await api('PUT', '/system/settings', { token: admin, body: { signup: true } });
  assert.deepEqual(again.body, { ...expected, signup: '1' });
  assert.deepEqual((await api('GET', '/system/settings', { token: cadet })).body, { ...expected, signup: '1' });
});

test('settings are saved one after the other: a 500 leaves the first ones behind', async () => {
  const body = { kept: 'yes', broken: 'a\u0000b', never: 'x' };
  assert.equal((await api('PUT', '/system/settings', { token: admin, body })).status, 500);
  const { body: now } = await api('GET', '/system/settings', { token: admin });
  assert.deepEqual([now.kept, now.broken, now.never], ['yes', undefined, undefined]);
});

test('statistics are strings and stay the same for a minute whatever is written', async () => {
  await addCadet(db, { is_archived: true });
  await addCadet(db, { is_archived: false });
  await addCadet(db, {});
  await addUser(db, { username: 'one' });
  const expected = {
    totalCadets: '3', activeCadets: '2', archivedCadets: '1', totalStaff: '0', totalUsers: '1', trainingDays: '0',
  };
  const first = await api('GET', '/system/stats', { token: admin });
  assert.deepEqual([first.body, first.headers['x-cache']], [expected, 'MISS']);
  await addCadet(db, {});
  const second = await api('GET', '/system/stats', { token: admin });
  assert.deepEqual([second.body, second.headers['x-cache']], [expected, 'HIT']);
});

test('the cache asks again after sixty seconds, and does not keep a failure', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1000 });
  let n = 0;
  const load = async () => { n += 1; return n; };
  await assert.rejects(cached('k', async () => { throw new Error('database is away'); }));
  assert.deepEqual(await cached('k', load), { hit: false, value: 1 });
  t.mock.timers.tick(TTL_MS - 1);
  assert.deepEqual(await cached('k', load), { hit: true, value: 1 });
  t.mock.timers.tick(1);
  assert.deepEqual(await cached('k', load), { hit: false, value: 2 });
  assert.equal(TTL_MS, 60000);
});
