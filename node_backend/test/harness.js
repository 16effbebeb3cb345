'use strict';

const { spawn } = require('child_process');
const { randomBytes } = require('crypto');
const fs = require('fs');
const http = require('http');
const os = require('os');
const path = require('path');
const bcrypt = require('bcryptjs');
const jwt = require('jsonwebtoken');
const { Client, Pool } = require('pg');
const { migrate } = require('../db/migrate');

const SERVER = path.join(__dirname, '..', 'src', 'server.js');
const SECRET = 'a secret that only the tests know';
const PASSWORD = 'correct horse';
const HASH = bcrypt.hashSync(PASSWORD, 10);
const UPLOAD_DIR = fs.mkdtempSync(path.join(os.tmpdir(), 'rotc-uploads-'));
process.on('exit', () => fs.rmSync(UPLOAD_DIR, { recursive: true, force: true }));

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
  const base = { PATH: process.env.PATH, PORT: '0', JWT_SECRET: SECRET, TZ: 'UTC', UPLOAD_DIR };
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

// Each part is [name, text] or [name, { filename, type, content }].
function form(...parts) {
  const boundary = 'xxTESTxx';
  const part = ([name, value]) => {
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`;
    if (typeof value === 'string') return `${head}\r\n\r\n${value}\r\n`;
    return `${head}; filename="${value.filename}"\r\nContent-Type: ${value.type}\r\n\r\n${value.content}\r\n`;
  };
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: `${parts.map(part).join('')}--${boundary}--\r\n`,
  };
}

function multipart(field, content) {
  return form([field, { filename: 'cadets.csv', type: 'text/csv', content }]);
}

function token(claims, options = { expiresIn: '7d' }) {
  return jwt.sign({ id: 1, role: 'admin', cadetId: null, staffId: null, ...claims }, SECRET, options);
}

// A row as it stands in the database, whatever the API would have made of it.
function add(db, table, row) {
  const names = Object.keys(row);
  return db.value(
    `INSERT INTO ${table} (${names}) VALUES (${names.map((_, i) => `$${i + 1}`)}) RETURNING id`,
    Object.values(row),
  );
}

function addUser(db, values) {
  return add(db, 'users', {
    username: randomBytes(6).toString('hex'), password: HASH, role: 'admin', is_approved: 1, ...values,
  });
}

function addCadet(db, values) {
  return add(db, 'cadets', {
    first_name: 'Juan', last_name: 'Cruz', student_id: randomBytes(6).toString('hex'), ...values,
  });
}

// What a check mostly looks at: the status and the message.
const message = (answer) => [answer.status, answer.body.message];

async function until(check) {
  for (let i = 0; i < 250; i += 1) {
    const found = await check();
    if (found) return found;
    await new Promise((done) => { setTimeout(done, 20); });
  }
  throw new Error('waited five seconds in vain');
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
  SECRET, PASSWORD, HASH, UPLOAD_DIR, createDatabase, spawnServer, startBackend, request, form, multipart, token, add,
  addUser, addCadet, message, until,
};
