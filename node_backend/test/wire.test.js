'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { startBackend, token, addCadet, addUser } = require('./harness');

let backend, db, api, raw, id;
const admin = token({ role: 'admin' });

before(async () => {
  backend = await startBackend();
  ({ db, api, raw } = backend);
  id = await addCadet(db);
  await addUser(db, { username: 'admin' });
});
after(() => backend?.stop());

test('health is the text OK and needs no login', async () => {
  const answer = await raw('GET', '/health');
  assert.deepEqual([answer.status, answer.text], [200, 'OK']);
  assert.match(answer.headers['content-type'], /^text\/plain/);
});

test('every answer, an error too, says who made it, how long it took and that all origins may read it', async () => {
  const answers = [await raw('GET', '/health'), await api('GET', `/cadets/${id}`, { token: admin }),
    await api('GET', '/auth/me'), await api('GET', '/nowhere'), await api('GET', '/cadets/abc', { token: admin })];
  assert.deepEqual(answers.map((answer) => answer.status), [200, 200, 401, 404, 500]);
  for (const { headers } of answers) {
    assert.equal(headers['x-powered-by'], 'Express');
    assert.match(headers['x-response-time'], /^\d+\.\d{3}ms$/);
    assert.equal(headers['access-control-allow-origin'], '*');
    assert.match(headers.etag, /^W\/"/);
  }
});

test('an answer that did not change is a 304 without a body', async () => {
  const first = await api('GET', `/cadets/${id}`, { token: admin });
  const headers = { 'if-none-match': first.headers.etag };
  const second = await api('GET', `/cadets/${id}`, { token: admin, headers });
  assert.deepEqual([second.status, second.text], [304, '']);
  assert.match(second.headers['x-response-time'], /ms$/);
  await api('PUT', `/cadets/${id}`, { token: admin, body: { rank: 'new' } });
  assert.equal((await api('GET', `/cadets/${id}`, { token: admin, headers })).status, 200);
});

test('paths match in any letter case, with and without a slash at the end', async () => {
  for (const path of [`/API/V1/Cadets/${id}`, `/api/v1/cadets/${id}/`, `/aPi/v1/CADETS/${id}/`]) {
    assert.equal((await raw('GET', path, { token: admin })).status, 200, path);
  }
  assert.equal((await raw('GET', '/HEALTH/')).text, 'OK');
  assert.equal((await raw('POST', '/Api/V1/Auth/Login/', { body: {} })).status, 400);
});

test('an unknown path, and a method that a path does not serve, is a 404 before any login', async () => {
  for (const [method, path] of [['GET', '/api/v1/nowhere'], ['GET', '/'], ['DELETE', '/api/v1/auth/me'],
    ['GET', '/api/v1/cadets/1/2']]) {
    const answer = await raw(method, path);
    assert.deepEqual([answer.status, answer.body], [404, { message: 'Not found' }], path);
  }
});

test('malformed JSON is a 500 with the text of the parser', async () => {
  const answer = await api('POST', '/auth/login', { body: '{"username": ' });
  assert.equal(answer.status, 500);
  assert.match(answer.body.message, /JSON/);
  assert.equal((await api('POST', '/auth/login', { body: '"text"' })).status, 500);
});

test('malformed JSON is noticed before the token and before the path', async () => {
  assert.equal((await api('PUT', '/cadets/1', { body: '{' })).status, 500);
  assert.equal((await api('PUT', '/nowhere', { body: '{' })).status, 500);
});

test('a path that cannot be decoded is a 500', async () => {
  const answer = await api('GET', '/cadets/%zz', { token: admin });
  assert.deepEqual([answer.status, answer.body.message], [500, "Failed to decode param '%zz'"]);
});

test('HEAD answers as GET does but without a body', async () => {
  const answer = await api('HEAD', `/cadets/${id}`, { token: admin });
  assert.deepEqual([answer.status, answer.text], [200, '']);
  assert.ok(Number(answer.headers['content-length']) > 0);
});

test('a browser that asks first may send any method and its own headers', async () => {
  const headers = { 'access-control-request-headers': 'authorization,x-a' };
  const answer = await api('OPTIONS', '/cadets', { headers });
  assert.equal(answer.status, 204);
  assert.equal(answer.headers['access-control-allow-methods'], 'GET,HEAD,PUT,PATCH,POST,DELETE');
  assert.equal(answer.headers['access-control-allow-headers'], 'authorization,x-a');
});

test('text beyond ASCII survives the round trip', async () => {
  const name = 'Ñiña \u{1F600}';
  const answer = await api('PUT', `/cadets/${id}`, { token: admin, body: { first_name: name } });
  assert.equal(answer.body.first_name, name);
});
