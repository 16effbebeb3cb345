'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { createDatabase, spawnServer, request, token, addUser } = require('./harness');
const { connect } = require('./sockets');
const { migrate } = require('../db/migrate');

let db, id;
before(async () => {
  db = await createDatabase();
  await migrate(db.url);
  id = await addUser(db);
});
after(() => db?.drop());

const start = async () => {
  const server = spawnServer({ DATABASE_URL: db.url });
  return { server, port: await server.listening };
};

test('SIGTERM says goodbye on the WebSockets with 1001 and ends with 0', async () => {
  const { server, port } = await start();
  const jwt = token({ id });
  const clients = [await connect(port, '/ws/updates/', jwt), await connect(port, '/ws/chat/x/', jwt)];
  server.child.kill('SIGTERM');
  for (const client of clients) assert.equal((await client.closed)[0], 1001);
  assert.equal(await server.exited, 0);
});

test('a client that does not answer the goodbye is not waited for', async () => {
  const { server, port } = await start();
  const client = await connect(port, '/ws/updates/', token({ id }));
  client.socket.pause();
  const before = Date.now();
  server.child.kill('SIGTERM');
  assert.equal(await server.exited, 0);
  assert.ok(Date.now() - before < 5000);
  client.socket.terminate();
});

test('a report whose process dies stays pending for ever', async () => {
  const first = await start();
  const lock = await db.connect();
  await lock.query('BEGIN');
  await lock.query('LOCK TABLE cadets IN ACCESS EXCLUSIVE MODE');
  const staff = token({ id, role: 'training_staff' });
  const asked = await request(first.port, 'POST', '/api/v1/reports', { token: staff, body: { type: 'merits' } });
  assert.equal(asked.status, 202);
  first.server.child.kill('SIGKILL');
  await first.server.exited;
  await lock.query('COMMIT');
  lock.release();
  const second = await start();
  const { body } = await request(second.port, 'GET', `/api/v1/reports/${asked.body.id}`, { token: staff });
  assert.deepEqual([body.status, body.file_id], ['pending', null]);
  second.server.child.kill('SIGTERM');
  assert.equal(await second.server.exited, 0);
});
