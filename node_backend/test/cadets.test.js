'use strict';

const assert = require('node:assert/strict');
const { after, before, beforeEach, test } = require('node:test');
const { startBackend, token, addCadet, multipart } = require('./harness');

let backend, db, api;
const admin = token({ role: 'admin' });
const staff = token({ role: 'training_staff' });
const self = (cadetId) => token({ role: 'cadet', cadetId });
const NEW = { first_name: 'Ana', last_name: 'Lim', student_id: 'S1' };
const message = (answer) => [answer.status, answer.body.message];
const archived = async () => {
  const { rows } = await db.query('SELECT id FROM cadets WHERE is_archived ORDER BY id');
  return rows.map((row) => row.id);
};
const totalOf = async (query) => (await api('GET', `/cadets?${query}`, { token: staff })).body.total;

before(async () => {
  backend = await startBackend();
  ({ db, api } = backend);
});
beforeEach(() => db.query('TRUNCATE cadets CASCADE'));
after(() => backend?.stop());

test('the list has numbers for page and limit, a string for total, and is ordered by name', async () => {
  await addCadet(db, { last_name: 'B', first_name: 'Z' });
  await addCadet(db, { last_name: 'A', first_name: 'Y' });
  await addCadet(db, { last_name: 'B', first_name: 'X' });
  const { body } = await api('GET', '/cadets?limit=2', { token: staff });
  assert.deepEqual([body.page, body.limit, body.total], [1, 2, '3']);
  assert.deepEqual(body.data.map((row) => row.first_name), ['Y', 'X']);
  const next = await api('GET', '/cadets?limit=2&page=2', { token: staff });
  assert.deepEqual(next.body.data.map((row) => row.first_name), ['Z']);
});

test('a page has 20 rows unless said and never more than 100', async () => {
  assert.equal((await api('GET', '/cadets', { token: staff })).body.limit, 20);
  assert.equal((await api('GET', '/cadets?limit=1000', { token: staff })).body.limit, 100);
});

test('page 0 and pages that are no number are a 500 with the text of the database', async () => {
  const list = (query) => api('GET', `/cadets?${query}`, { token: staff });
  assert.deepEqual(message(await list('page=0')), [500, 'OFFSET must not be negative']);
  assert.deepEqual(message(await list('limit=-1')), [500, 'LIMIT must not be negative']);
  assert.deepEqual(message(await list('page=x')), [500, 'invalid input syntax for type bigint: "NaN"']);
  assert.equal((await list('page=2abc')).body.page, 2);
});

test('the search is a substring with regard to case, and % and _ are letters', async () => {
  await addCadet(db, { first_name: 'Maria', last_name: 'Santos', student_id: '2020-77' });
  await addCadet(db, { first_name: 'Per%cent', last_name: 'Under_score', student_id: 'back\\slash' });
  const expected = { ari: '1', ant: '1', '0-7': '1', ARI: '0', '%': '1', _: '1', '\\': '1' };
  for (const [search, total] of Object.entries(expected)) {
    assert.equal(await totalOf(`search=${encodeURIComponent(search)}`), total, search);
  }
});

test('a search with a NUL is a 500 with the text of the database', async () => {
  const answer = await api('GET', '/cadets?search=%00', { token: staff });
  assert.deepEqual(message(answer), [500, 'invalid byte sequence for encoding "UTF8": 0x00']);
});

test('company and course are compared exactly', async () => {
  await addCadet(db, { company: 'Alpha', course: 'BSIT' });
  await addCadet(db, { company: 'Alpha', course: 'BSCS' });
  assert.equal(await totalOf('company=Alpha'), '2');
  assert.equal(await totalOf('company=Alpha&course=BSIT'), '1');
  assert.equal(await totalOf('company=alpha'), '0');
});

test('archived cadets are listed only on request, and NULL counts as not archived', async () => {
  await addCadet(db, { is_archived: true });
  await addCadet(db, { is_archived: false });
  await addCadet(db, {});
  assert.equal(await totalOf(''), '2');
  assert.equal(await totalOf('includeArchived=1'), '2');
  assert.equal(await totalOf('includeArchived=true'), '3');
});

test('a new cadet is a 201 with the row, and what was not sent is NULL', async () => {
  const sent = { ...NEW, birthdate: '2003-04-05', id: 77, nonsense: 1 };
  const answer = await api('POST', '/cadets', { token: staff, body: sent });
  assert.equal(answer.status, 201);
  const { body } = answer;
  assert.notEqual(body.id, 77);
  assert.deepEqual([body.status, body.rank, body.is_archived], ['Ongoing', null, null]);
  assert.equal(body.birthdate, '2003-04-05T00:00:00.000Z');
  assert.match(body.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(body.created_at, body.updated_at);
});

test('a new cadet without a name or a student id is a 400', async () => {
  const answer = await api('POST', '/cadets', { token: staff, body: { first_name: 'Ana', last_name: '' } });
  assert.deepEqual(message(answer), [400, 'Missing required fields']);
});

test('a taken student id is a 500 with the text of the database', async () => {
  await addCadet(db, { student_id: 'S1' });
  assert.deepEqual(message(await api('POST', '/cadets', { token: staff, body: NEW })),
    [500, 'duplicate key value violates unique constraint "cadets_student_id_key"']);
});

test('values that the database refuses are a 500 with its text', async () => {
  const id = await addCadet(db);
  const put = (body) => api('PUT', `/cadets/${id}`, { token: staff, body });
  assert.deepEqual(message(await put({ birthdate: 'tomorrow-ish' })),
    [500, 'invalid input syntax for type date: "tomorrow-ish"']);
  assert.match((await put({ first_name: null })).body.message, /null value in column "first_name".*not-null constraint/);
  assert.equal((await put({ rank: 'a\u0000b' })).status, 500);
});

test('an id is what parseInt makes of it', async () => {
  const id = await addCadet(db);
  assert.equal((await api('GET', `/cadets/${id}abc`, { token: staff })).body.id, id);
  assert.equal((await api('GET', `/cadets/${id}.9`, { token: staff })).body.id, id);
});

test('an id that is no integer or too large is a 500 with the text of the database', async () => {
  assert.deepEqual(message(await api('GET', '/cadets/abc', { token: staff })),
    [500, 'invalid input syntax for type integer: "NaN"']);
  assert.deepEqual(message(await api('GET', '/cadets/99999999999', { token: staff })),
    [500, 'value "99999999999" is out of range for type integer']);
});

test('reading a missing cadet is a 404 but changing or deleting one is a 200', async () => {
  assert.deepEqual(message(await api('GET', '/cadets/999999', { token: staff })), [404, 'Cadet not found']);
  for (const method of ['PUT', 'PATCH']) {
    const answer = await api(method, '/cadets/999999', { token: staff, body: { rank: 'x' } });
    assert.deepEqual([answer.status, answer.text], [200, '{}']);
  }
  assert.deepEqual(message(await api('DELETE', '/cadets/999999', { token: admin })), [200, 'Cadet archived']);
});

test('PUT and PATCH change only what was sent, never id and created_at, and set updated_at', async () => {
  const then = '2020-01-01 08:00';
  const id = await addCadet(db, { rank: 'Pvt', company: 'Alpha', created_at: then, updated_at: then });
  for (const method of ['PUT', 'PATCH']) {
    const body = { rank: method, id: 5, created_at: '1999-01-01', updated_at: '1999-01-01' };
    const answer = await api(method, `/cadets/${id}`, { token: staff, body });
    assert.equal(answer.status, 200);
    assert.deepEqual([answer.body.id, answer.body.rank, answer.body.company], [id, method, 'Alpha']);
    assert.equal(answer.body.created_at, '2020-01-01T08:00:00.000Z');
    assert.ok(Date.now() - Date.parse(answer.body.updated_at) < 60000);
  }
});

test('a cadet reads and writes itself and nothing else', async () => {
  const id = await addCadet(db);
  const other = await addCadet(db);
  assert.equal((await api('GET', `/cadets/${id}`, { token: self(id) })).status, 200);
  assert.equal((await api('PUT', `/cadets/${id}`, { token: self(id), body: { religion: 'x' } })).status, 200);
  assert.equal((await api('PATCH', `/cadets/${id}`, { token: self(id), body: {} })).status, 200);
  const denied = [['GET', `/cadets/${other}`], ['PUT', `/cadets/${other}`], ['DELETE', `/cadets/${id}`],
    ['GET', '/cadets'], ['POST', '/cadets'], ['POST', '/cadets/bulk/archive'], ['POST', '/cadets/import']];
  for (const [method, path] of denied) {
    const answer = await api(method, path, { token: self(id) });
    assert.deepEqual(message(answer), [403, 'Access denied'], `${method} ${path}`);
  }
});

test('only an admin deletes and imports', async () => {
  const id = await addCadet(db);
  assert.equal((await api('DELETE', `/cadets/${id}`, { token: staff })).status, 403);
  assert.equal((await api('POST', '/cadets/import', { token: staff })).status, 403);
});

test('me is the own row, and a 404 for a user without a cadet', async () => {
  const id = await addCadet(db);
  assert.equal((await api('GET', '/cadets/me', { token: self(id) })).body.id, id);
  assert.deepEqual(message(await api('GET', '/cadets/me', { token: admin })), [404, 'Cadet not found']);
});

test('deleting a cadet archives it', async () => {
  const id = await addCadet(db);
  assert.deepEqual(message(await api('DELETE', `/cadets/${id}`, { token: admin })), [200, 'Cadet archived']);
  assert.deepEqual(await archived(), [id]);
});

test('bulk archive and restore count the rows that matched', async () => {
  const ids = [await addCadet(db), await addCadet(db)];
  const bulk = (verb, list) => api('POST', `/cadets/bulk/${verb}`, { token: staff, body: { ids: list } });
  assert.deepEqual((await bulk('archive', [...ids, 999999, ids[0]])).body, { updated: 3 });
  assert.deepEqual(await archived(), ids);
  assert.deepEqual((await bulk('restore', [ids[0]])).body, { updated: 1 });
  assert.deepEqual(await archived(), [ids[1]]);
  assert.deepEqual(message(await bulk('archive', undefined)), [400, 'ids is required']);
  assert.deepEqual(message(await bulk('archive', '12')), [400, 'ids is required']);
});

test('a bad id in the middle of a bulk request is a 500 that leaves the first half changed', async () => {
  const ids = [await addCadet(db), await addCadet(db)];
  const answer = await api('POST', '/cadets/bulk/archive', { token: staff, body: { ids: [ids[0], 'abc', ids[1]] } });
  assert.deepEqual(message(answer), [500, 'invalid input syntax for type integer: "abc"']);
  assert.deepEqual(await archived(), [ids[0]]);
});

test('an import inserts the rows of a spreadsheet', async () => {
  const csv = '\uFEFFstudent_id,first_name,last_name,birthdate,status,unknown\r\n'
    + 'I1,"Ana, ""the"" first",Lim,2003-04-05,,x\r\n\r\nI2,Bo,"Two\nLines",,Verified,\r\n';
  const answer = await api('POST', '/cadets/import', { token: admin, ...multipart('file', csv) });
  assert.deepEqual([answer.status, answer.body], [200, { imported: 2 }]);
  const { rows } = await db.query(
    'SELECT first_name, last_name, birthdate::text, status, rank FROM cadets ORDER BY student_id',
  );
  assert.deepEqual(rows, [
    { first_name: 'Ana, "the" first', last_name: 'Lim', birthdate: '2003-04-05', status: 'Ongoing', rank: null },
    { first_name: 'Bo', last_name: 'Two\nLines', birthdate: null, status: 'Verified', rank: null },
  ]);
});

test('a bad row in an import is a 500 that leaves the rows above it behind', async () => {
  const csv = 'student_id,first_name,last_name\nI1,A,B\nI1,C,D\nI3,E,F\n';
  const answer = await api('POST', '/cadets/import', { token: admin, ...multipart('file', csv) });
  assert.deepEqual(message(answer), [500, 'duplicate key value violates unique constraint "cadets_student_id_key"']);
  assert.equal(await db.value("SELECT string_agg(student_id, ',') FROM cadets"), 'I1');
});

test('an import without a file is a 400, in another field a 500, and an empty file imports nothing', async () => {
  const send = (parts) => api('POST', '/cadets/import', { token: admin, ...parts });
  assert.deepEqual(message(await send({})), [400, 'No file uploaded']);
  assert.deepEqual(message(await send(multipart('sheet', 'x'))), [500, 'Unexpected file field']);
  assert.deepEqual((await send(multipart('file', ''))).body, { imported: 0 });
});
