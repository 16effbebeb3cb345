import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

const CORS = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET,HEAD,PUT,PATCH,POST,DELETE',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type',
};

/** A real server on loopback. `reply(request)` says what it answers: `{status, body}`, or `{text}` for what is no JSON. */
export async function startServer() {
  const state = { requests: [], reply: () => ({ body: {} }) };
  const server = createServer((request, response) => serve(state, request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  state.url = `http://127.0.0.1:${server.address().port}`;
  state.stop = () => stop(server);
  return state;
}

async function serve(state, request, response) {
  if (request.method === 'OPTIONS') {
    response.writeHead(204, CORS).end();
    return;
  }
  const seen = await taken(request);
  state.requests.push(seen);
  const { status = 200, body, text: plain, type = 'application/json' } = await state.reply(seen);
  response.writeHead(status, { ...CORS, 'Content-Type': type });
  response.end(plain ?? JSON.stringify(body));
}

async function taken(request) {
  const raw = await text(request);
  const { pathname, searchParams } = new URL(request.url, 'http://host');
  return {
    method: request.method,
    path: pathname,
    query: Object.fromEntries(searchParams),
    headers: request.headers,
    body: raw ? JSON.parse(raw) : undefined,
  };
}

async function stop(server) {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
}
