'use strict';

const assert = require('node:assert/strict');
const { after, before, beforeEach, test } = require('node:test');
const { startBackend, token, add, addCadet, addUser, form, message } = require('./harness');

let backend, db, api, raw, day, who, self;
const staff = token({ role: 'training_staff' });
const PATH = '/attendance/excuse-letters';
const scan = ['file', { filename: 'letter.pdf', type: 'application/pdf', content: '%PDF' }];
const decide = (id, status) => api('PUT', `${PATH}/${id}/status`, { token: staff, body: { status } });

before(async () => {
  backend = await startBackend();
  ({ db, api, raw } = backend);
});
beforeEach(async () => {
  await db.query('TRUNCATE training_days, cadets, users, notifications CASCADE');
  day = await add(db, 'training_days', { date: '2024-08-03', title: 'Drill' });
  who = await addCadet(db);
  self = token({ id: await addUser(db, { role: 'cadet', cadet_id: who }), role: 'cadet', cadetId: who });
});
after(() => backend?.stop());

const letter = (values) => add(db, 'excuse_letters', {
  cadet_id: who, training_day_id: day, date_absent: '2024-08-03', ...values,
});

test('a cadet hands in a letter for itself, with a file or without', async () => {
  const fields = [['trainingDayId', `${day}`], ['dateAbsent', '2024-08-03'], ['reason', 'Fever'], ['cadetId', '999']];
  const { status, body } = await api('POST', PATH, { token: self, ...form(...fields, scan) });
  assert.equal(status, 200);
  assert.deepEqual([body.cadet_id, body.training_day_id, body.status], [who, day, 'pending']);
  assert.equal(body.date_absent, '2024-08-03T00:00:00.000Z');
  assert.match(body.file_url, /^\/uploads\/\d+-[0-9a-f]{8}\.pdf$/);
  assert.equal((await raw('GET', body.file_url)).text, '%PDF');
  const plain = await api('POST', PATH, { token: self, body: { dateAbsent: '2024-08-10' } });
  assert.deepEqual([plain.body.file_url, plain.body.training_day_id], [null, null]);
});

test('an empty field of a form is NULL', async () => {
  const parts = form(['cadetId', `${who}`], ['dateAbsent', '2024-08-03'], ['trainingDayId', ''], ['reason', '']);
  const { body } = await api('POST', PATH, { token: staff, ...parts });
  assert.deepEqual([body.cadet_id, body.training_day_id, body.reason], [who, null, null]);
});

test('a letter needs a cadet and a date, and the database judges the date', async () => {
  const needs = [400, 'Cadet and date are required'];
  assert.deepEqual(message(await api('POST', PATH, { token: self, body: {} })), needs);
  assert.deepEqual(message(await api('POST', PATH, { token: staff, body: { dateAbsent: '2024-08-03' } })), needs);
  assert.deepEqual(message(await api('POST', PATH, { token: self, body: { dateAbsent: 'Saturday' } })),
    [500, 'invalid input syntax for type date: "Saturday"']);
});

test('staff sees all letters, a cadet its own', async () => {
  await letter({ status: 'approved' });
  await letter({ cadet_id: await addCadet(db) });
  const total = async (asker, query = '') => (await api('GET', PATH + query, { token: asker })).body.total;
  assert.deepEqual([await total(staff), await total(self)], ['2', '1']);
  assert.equal(await total(staff, '?status=pending'), '1');
});

test('an approved letter excuses the cadet and tells it', async () => {
  await add(db, 'attendance', { training_day_id: day, cadet_id: who, status: 'absent', time_in: 'never' });
  const id = await letter();
  const answer = await decide(id, 'approved');
  assert.deepEqual([answer.status, answer.body.id, answer.body.status], [200, id, 'approved']);
  const { rows } = await db.query('SELECT status, remarks, time_in FROM attendance');
  assert.deepEqual(rows, [{ status: 'excused', remarks: 'Excuse letter approved', time_in: null }]);
  assert.equal(await db.value('SELECT message FROM notifications'), 'Excuse letter approved');
});

test('a rejected letter marks nobody but is told, and a pending one is not', async () => {
  const id = await letter();
  await decide(id, 'rejected');
  await decide(id, 'pending');
  assert.equal(await db.value('SELECT count(*) FROM attendance'), '0');
  assert.equal(await db.value("SELECT string_agg(message, ',') FROM notifications"), 'Excuse letter rejected');
});

test('an approval that fails at its last write leaves the letter approved and the cadet excused', async () => {
  const id = await letter();
  await db.query("ALTER TABLE notifications ADD CONSTRAINT broken CHECK (message <> 'Excuse letter approved')");
  try {
    const answer = await decide(id, 'approved');
    assert.equal(answer.status, 500);
    assert.match(answer.body.message, /violates check constraint "broken"/);
  } finally {
    await db.query('ALTER TABLE notifications DROP CONSTRAINT broken');
  }
  assert.equal(await db.value('SELECT status FROM excuse_letters'), 'approved');
  assert.equal(await db.value('SELECT status FROM attendance'), 'excused');
});

test('a letter without a day marks nobody, a missing letter is a 200, and an unknown status a 400', async () => {
  const id = await letter({ training_day_id: null });
  assert.equal((await decide(id, 'approved')).status, 200);
  assert.equal(await db.value('SELECT count(*) FROM attendance'), '0');
  const missing = await decide(999999, 'approved');
  assert.deepEqual([missing.status, missing.text], [200, '{}']);
  assert.deepEqual(message(await decide(id, 'perhaps')), [400, 'Invalid status']);
  const answer = await api('PUT', `${PATH}/${id}/status`, { token: self, body: { status: 'approved' } });
  assert.deepEqual(message(answer), [403, 'Access denied']);
});
