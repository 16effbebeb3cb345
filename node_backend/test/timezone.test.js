'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { startBackend, token, addCadet, addUser, multipart } = require('./harness');

let backend, db, api;
const admin = token({ role: 'admin' });
const HOUR = 3600 * 1000;

before(async () => {
  backend = await startBackend({ TZ: 'Asia/Manila' });
  ({ db, api } = backend);
});
after(() => backend?.stop());

// What the clock of a zone shows, read as if it were UTC.
const shown = (text) => Date.parse(`${text.replace(' ', 'T')}Z`);
const near = (a, b) => Math.abs(a - b) < 60000;

test('a birthdate is midnight of the process and so the day before in UTC', async () => {
  const id = await addCadet(db, { birthdate: '2003-04-05' });
  const { body } = await api('GET', `/cadets/${id}`, { token: admin });
  assert.equal(body.birthdate, '2003-04-04T16:00:00.000Z');
});

test('sending back a birthdate as it was read moves it by a day', async () => {
  const id = await addCadet(db, { birthdate: '2003-04-05' });
  const { body } = await api('GET', `/cadets/${id}`, { token: admin });
  await api('PUT', `/cadets/${id}`, { token: admin, body: { birthdate: body.birthdate } });
  assert.equal(await db.value('SELECT birthdate::text FROM cadets WHERE id = $1', [id]), '2003-04-04');
});

test('a stored timestamp is taken for the clock of the process', async () => {
  const id = await addCadet(db, { created_at: '2024-08-05 09:00:00.123456' });
  const { body } = await api('GET', `/cadets/${id}`, { token: admin });
  assert.equal(body.created_at, '2024-08-05T01:00:00.123Z');
});

test('an import writes the clock of the process, to the millisecond', async () => {
  const csv = 'student_id,first_name,last_name\nM1,A,B\n';
  await api('POST', '/cadets/import', { token: admin, ...multipart('file', csv) });
  const { rows } = await db.query(
    `SELECT created_at::text AS text, extract(microseconds FROM created_at)::int % 1000 AS micros
     FROM cadets WHERE student_id = 'M1'`,
  );
  assert.ok(near(shown(rows[0].text), Date.now() + 8 * HOUR), rows[0].text);
  assert.equal(rows[0].micros, 0);
});

test('one row can hold two zones: the default of the database and the clock of the process', async () => {
  const id = await addUser(db, { username: 'mixed' });
  await api('POST', '/auth/heartbeat', { token: token({ id }) });
  const { rows } = await db.query('SELECT created_at::text AS a, last_seen::text AS b FROM users WHERE id = $1', [id]);
  assert.ok(near(shown(rows[0].a), Date.now()));
  assert.ok(near(shown(rows[0].b), Date.now() + 8 * HOUR));
});
