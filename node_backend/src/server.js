'use strict';

const REQUIRED = ['DATABASE_URL', 'JWT_SECRET'];

for (const name of REQUIRED) {
  if (!process.env[name]) {
    console.error(`Missing required environment variable: ${name}`);
    process.exit(1);
  }
}

// Only now: the pool and the token middleware take their settings from the environment.
const app = require('./app');
const db = require('./db');
const sockets = require('./realtime/sockets');

const HOST = process.env.HOST || '127.0.0.1';
const PORT = process.env.PORT || 3001;
const GRACE_MS = 10000;

const server = app.listen(PORT, HOST, () => {
  console.log(`listening on ${server.address().port}`);
});

sockets.attach(server);

server.on('error', (err) => {
  console.error(`cannot listen on ${HOST}:${PORT}: ${err.message}`);
  process.exit(1);
});

let stopping = false;

function shutdown(signal) {
  if (stopping) return;
  stopping = true;
  console.log(`${signal} received, closing`);
  server.close(async () => {
    await db.end();
    process.exit(0);
  });
  sockets.closeAll();
  // close() drops the connections that are idle now; one that is busy now turns idle later and would be kept alive.
  setInterval(() => server.closeIdleConnections(), 50).unref();
  setTimeout(() => {
    console.error('requests still running, giving up on them');
    process.exit(1);
  }, GRACE_MS).unref();
}

process.on('SIGTERM', () => shutdown('SIGTERM'));
process.on('SIGINT', () => shutdown('SIGINT'));
