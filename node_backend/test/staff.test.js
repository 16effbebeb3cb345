'use strict';

const assert = require('node:assert/strict');
const { after, before, beforeEach, test } = require('node:test');
const { startBackend, token, add, multipart, message } = require('./harness');

let backend, db, api;
const admin = token({ role: 'admin' });
const trainer = token({ role: 'training_staff', staffId: 1 });
const cadet = token({ role: 'cadet', cadetId: 1 });
const addStaff = (values) => add(db, 'staff', { first_name: 'Jose', last_name: 'Abad', ...values });
const totalOf = async (query) => (await api('GET', `/staff?${query}`, { token: trainer })).body.total;

before(async () => {
  backend = await startBackend();
  ({ db, api } = backend);
});
beforeEach(() => db.query('TRUNCATE staff CASCADE'));
after(() => backend?.stop());

test('the list is searched and filtered like that of the cadets', async () => {
  await addStaff({ last_name: 'Zamora', email: 'z@x', role: 'Commandant' });
  await addStaff({ last_name: 'Abad', is_archived: true });
  const { body } = await api('GET', '/staff', { token: trainer });
  assert.deepEqual([body.page, body.limit, body.total, body.data[0].last_name], [1, 20, '1', 'Zamora']);
  assert.equal(await totalOf('includeArchived=true'), '2');
  assert.equal(await totalOf('search=zam'), '0');
  assert.equal(await totalOf('search=z@'), '1');
  assert.equal(await totalOf('role=Instructor'), '0');
});

test('namesakes are not ordered: a row that was written again changes its place', async () => {
  const ids = [await addStaff({}), await addStaff({}), await addStaff({})];
  const order = async () => (await api('GET', '/staff', { token: trainer })).body.data.map((row) => row.id);
  assert.deepEqual(await order(), ids);
  await db.query('UPDATE staff SET rank = $1 WHERE id = $2', ['Sgt', ids[0]]);
  assert.notDeepEqual(await order(), ids);
});

test('a new member is a 201, the birthdate is any text, and the age a number', async () => {
  const body = { first_name: 'A', last_name: 'B', birthdate: 'Mayo 5, 1980', age: 44, id: 9, nonsense: 1 };
  const answer = await api('POST', '/staff', { token: admin, body });
  assert.equal(answer.status, 201);
  assert.deepEqual([answer.body.birthdate, answer.body.age, answer.body.role], ['Mayo 5, 1980', 44, 'Instructor']);
  assert.deepEqual(message(await api('POST', '/staff', { token: admin, body: { first_name: 'A' } })),
    [400, 'Missing required fields']);
});

test('the second empty e-mail address is a 500 with the text of the database', async () => {
  const body = { first_name: 'A', last_name: 'B', email: '' };
  assert.equal((await api('POST', '/staff', { token: admin, body })).status, 201);
  assert.deepEqual(message(await api('POST', '/staff', { token: admin, body })),
    [500, 'duplicate key value violates unique constraint "staff_email_key"']);
});

test('reading a missing member is a 404 but changing or deleting one is a 200', async () => {
  assert.deepEqual(message(await api('GET', '/staff/999999', { token: trainer })), [404, 'Staff not found']);
  const answer = await api('PUT', '/staff/999999', { token: admin, body: { rank: 'x' } });
  assert.deepEqual([answer.status, answer.text], [200, '{}']);
  assert.deepEqual(message(await api('DELETE', '/staff/999999', { token: admin })), [200, 'Staff archived']);
});

test('a member changes itself and nobody else, and only an admin adds and archives', async () => {
  const id = await addStaff({});
  const own = token({ role: 'training_staff', staffId: id });
  assert.equal((await api('PATCH', `/staff/${id}`, { token: own, body: { rank: 'Sgt' } })).body.rank, 'Sgt');
  const denied = [['PUT', `/staff/${id}`], ['DELETE', `/staff/${id}`], ['POST', '/staff'],
    ['POST', '/staff/bulk/archive'], ['POST', '/staff/bulk/restore'], ['POST', '/staff/import']];
  for (const [method, path] of denied) {
    assert.deepEqual(message(await api(method, path, { token: trainer })), [403, 'Access denied'], `${method} ${path}`);
  }
  assert.equal((await api('GET', '/staff', { token: cadet })).status, 403);
  assert.equal((await api('GET', `/staff/${id}`, { token: cadet })).status, 403);
});

test('me is the own row, and a 404 for a user who is no staff', async () => {
  const id = await addStaff({});
  assert.equal((await api('GET', '/staff/me', { token: token({ staffId: id }) })).body.id, id);
  assert.deepEqual(message(await api('GET', '/staff/me', { token: cadet })), [404, 'Staff not found']);
});

test('bulk archiving and importing stop at the first bad row and keep what is done', async () => {
  const id = await addStaff({});
  const bulk = await api('POST', '/staff/bulk/archive', { token: admin, body: { ids: [id, 'x'] } });
  assert.deepEqual(message(bulk), [500, 'invalid input syntax for type integer: "x"']);
  assert.equal(await db.value('SELECT is_archived FROM staff WHERE id = $1', [id]), true);
  const csv = 'first_name,last_name,age\nA,One,30\nB,Two,old\nC,Three,40\n';
  const answer = await api('POST', '/staff/import', { token: admin, ...multipart('file', csv) });
  assert.deepEqual(message(answer), [500, 'invalid input syntax for type integer: "old"']);
  assert.equal(await db.value("SELECT string_agg(last_name, ',') FROM staff WHERE id <> $1", [id]), 'One');
});
