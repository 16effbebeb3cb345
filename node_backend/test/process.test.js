'use strict';

const assert = require('node:assert/strict');
const { execFile } = require('node:child_process');
const path = require('node:path');
const { after, before, test } = require('node:test');
const { setTimeout: sleep } = require('node:timers/promises');
const { promisify } = require('node:util');
const { createDatabase, spawnServer, startBackend, request, token, addCadet, until } = require('./harness');

const MIGRATE = path.join(__dirname, '..', 'db', 'migrate.js');
const run = promisify(execFile);
const admin = token({ role: 'admin' });

let backend, db;
before(async () => {
  backend = await startBackend({ PGPOOL_MAX: '2' });
  ({ db } = backend);
});
after(() => backend?.stop());

const waiting = () => db.value(
  "SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
);

// Keeps a cadet locked, so that a request that changes it hangs until the lock is let go.
async function holdCadet(id) {
  const client = await db.connect();
  await client.query('BEGIN');
  await client.query('SELECT 1 FROM cadets WHERE id = $1 FOR UPDATE', [id]);
  return async () => {
    await client.query('COMMIT');
    client.release();
  };
}

test('a missing variable is named and ends the process', async () => {
  for (const name of ['DATABASE_URL', 'JWT_SECRET']) {
    const server = spawnServer({ DATABASE_URL: 'postgres://nowhere', [name]: '' });
    assert.equal(await server.exited, 1);
    assert.equal(server.output, `Missing required environment variable: ${name}\n`);
  }
});

test('a port that is taken is named and ends the process', async () => {
  const server = spawnServer({ DATABASE_URL: db.url, PORT: String(backend.port) });
  assert.equal(await server.exited, 1);
  assert.match(server.output, new RegExp(`cannot listen on 127.0.0.1:${backend.port}: .*EADDRINUSE`));
});

test('an unreachable database is a 500 with the text of the driver, and health stays OK', async () => {
  const server = spawnServer({ DATABASE_URL: 'postgres://127.0.0.1:1/none' });
  const port = await server.listening;
  const answer = await request(port, 'GET', '/api/v1/system/settings', { token: admin });
  assert.equal(answer.status, 500);
  assert.match(answer.body.message, /ECONNREFUSED/);
  assert.equal((await request(port, 'GET', '/health')).text, 'OK');
  server.child.kill('SIGTERM');
  assert.equal(await server.exited, 0);
});

test('no more database connections are opened than PGPOOL_MAX allows', async () => {
  const id = await addCadet(db);
  const letGo = await holdCadet(id);
  const answers = [1, 2, 3, 4].map(() => backend.api('PUT', `/cadets/${id}`, { token: admin, body: { rank: 'x' } }));
  await until(async () => (await waiting()) === 2);
  await sleep(200);
  assert.equal(await waiting(), 2);
  await letGo();
  assert.deepEqual((await Promise.all(answers)).map((answer) => answer.status), [200, 200, 200, 200]);
});

test('SIGTERM lets a running request finish, takes no new one and ends with 0', async () => {
  const server = spawnServer({ DATABASE_URL: db.url });
  const port = await server.listening;
  const id = await addCadet(db);
  const letGo = await holdCadet(id);
  const running = request(port, 'PUT', `/api/v1/cadets/${id}`, {
    token: admin, body: { rank: 'last' }, headers: { connection: 'keep-alive' },
  });
  await until(async () => (await waiting()) === 1);
  server.child.kill('SIGTERM');
  await until(() => server.output.includes('SIGTERM received'));
  await assert.rejects(request(port, 'GET', '/health'), /ECONNREFUSED/);
  await letGo();
  assert.equal((await running).body.rank, 'last');
  assert.equal(await server.exited, 0);
});

test('the migration command builds the schema, may run again, and names its missing variable', async () => {
  const fresh = await createDatabase();
  const env = { PATH: process.env.PATH, DATABASE_URL: fresh.url };
  try {
    assert.equal((await run(process.execPath, [MIGRATE], { env })).stdout, 'schema is up to date\n');
    assert.equal((await run(process.execPath, [MIGRATE], { env })).stdout, 'schema is up to date\n');
    assert.equal(await fresh.value("SELECT count(*)::int FROM pg_tables WHERE schemaname = 'public'"), 20);
  } finally {
    await fresh.drop();
  }
  await assert.rejects(run(process.execPath, [MIGRATE], { env: { PATH: process.env.PATH } }),
    /Missing required environment variable: DATABASE_URL/);
});
