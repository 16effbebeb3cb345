'use strict';

const { spawn } = require('child_process');
const { randomBytes } = require('crypto');
const http = require('http');
const path = require('path');
const bcrypt = require('bcryptjs');
const jwt = require('jsonwebtoken');
const { Client, Pool } = require('pg');
const { migrate } = require('../db/migrate');

const SERVER = path.join(__dirname, '..', 'src', 'server.js');
const SECRET = 'a secret that only the tests know';
const PASSWORD = 'correct horse';
const HASH = bcrypt.hashSync(PASSWORD, 10);

async function onServer(sql) {
  if (!process.env.TEST_DATABASE_URL) {
    throw new Error('Set TEST_DATABASE_URL to a PostgreSQL where databases may be created');
  }
  const client = new Client({ connectionString: process.env.TEST_DATABASE_URL });
  await client.connect();
  await client.query(sql).finally(() => client.end());
}

async function createDatabase() {
  const name = `rotc_node_${randomBytes(6).toString('hex')}`;
  await onServer(`CREATE DATABASE ${name}`);
  // As in production. The zone of the Node process is set by each test.
  await onServer(`ALTER DATABASE ${name} SET timezone TO 'UTC'`);
  const url = new URL(process.env.TEST_DATABASE_URL);
  url.pathname = `/${name}`;
  const pool = new Pool({ connectionString: url.href, max: 3 });
  return {
    url: url.href,
    query: (sql, params) => pool.query(sql, params),
    connect: () => pool.connect(),
    // The first column of the first row: most checks want one value.
    value: async (sql, params) => Object.values((await pool.query(sql, params)).rows[0])[0],
    async drop() {
      await pool.end();
      await onServer(`DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

// Runs the server as a process of its own, because the zone, the pool and the signals belong to a process.
function spawnServer(env) {
  const base = { PATH: process.env.PATH, PORT: '0', JWT_SECRET: SECRET, TZ: 'UTC' };
  const child = spawn(process.execPath, [SERVER], { env: { ...base, ...env } });
  const server = { child, output: '', exited: new Promise((done) => child.on('exit', done)) };
  child.stderr.on('data', (chunk) => { server.output += chunk; });
  server.listening = new Promise((done, fail) => {
    child.stdout.on('data', (chunk) => {
      server.output += chunk;
      const found = /listening on (\d+)/.exec(server.output);
      if (found) done(Number(found[1]));
    });
    child.on('exit', (code) => fail(new Error(`the server ended with ${code}: ${server.output}`)));
  });
  server.listening.catch(() => {});
  return server;
}

// Plain http and not fetch: fetch adds cache headers of its own and hides what is on the wire.
function request(port, method, target, { token, body, headers = {} } = {}) {
  const all = { connection: 'close', ...headers };
  if (token) all.authorization = `Bearer ${token}`;
  if (body !== undefined && !all['content-type']) all['content-type'] = 'application/json';
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((done, fail) => {
    const req = http.request({ host: '127.0.0.1', port, method, path: target, headers: all }, (res) => {
      let received = '';
      res.setEncoding('utf8').on('data', (chunk) => { received += chunk; });
      res.on('end', () => done({
        status: res.statusCode, headers: res.headers, text: received, body: parse(received),
      }));
    });
    req.on('error', fail);
    req.end(text);
  });
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch (err) {
    return undefined;
  }
}

function multipart(field, content) {
  const boundary = 'xxTESTxx';
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: `--${boundary}\r\nContent-Disposition: form-data; name="${field}"; filename="cadets.csv"\r\n`
      + `Content-Type: text/csv\r\n\r\n${content}\r\n--${boundary}--\r\n`,
  };
}

function token(claims, options = { expiresIn: '7d' }) {
  return jwt.sign({ id: 1, role: 'admin', cadetId: null, staffId: null, ...claims }, SECRET, options);
}

async function addUser(db, values) {
  const row = { password: HASH, role: 'admin', is_approved: 1, ...values };
  const names = Object.keys(row);
  return db.value(
    `INSERT INTO users (${names}) VALUES (${names.map((_, i) => `$${i + 1}`)}) RETURNING id`,
    Object.values(row),
  );
}

async function addCadet(db, values) {
  const row = { first_name: 'Juan', last_name: 'Cruz', student_id: randomBytes(6).toString('hex'), ...values };
  const names = Object.keys(row);
  return db.value(
    `INSERT INTO cadets (${names}) VALUES (${names.map((_, i) => `$${i + 1}`)}) RETURNING id`,
    Object.values(row),
  );
}

async function startBackend(env = {}) {
  const db = await createDatabase();
  await migrate(db.url);
  const server = spawnServer({ DATABASE_URL: db.url, ...env });
  const port = await server.listening;
  return {
    db,
    port,
    server,
    api: (method, target, options) => request(port, method, `/api/v1${target}`, options),
    raw: (method, target, options) => request(port, method, target, options),
    async stop() {
      server.child.kill('SIGTERM');
      await server.exited;
      await db.drop();
    },
  };
}

module.exports = {
  SECRET, PASSWORD, HASH, createDatabase, spawnServer, startBackend, request, multipart, token, addUser, addCadet,
};
