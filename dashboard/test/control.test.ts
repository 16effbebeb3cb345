import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { connect } from '../src/api/control.ts';

interface Seen {
  line: string;
  headers: Record<string, unknown>;
  body: unknown;
}

let server: Server;
let seen: Seen[];
let reply: { status: number; body: string };
let url: string;

beforeEach(async () => {
  seen = [];
  reply = { status: 200, body: '{}' };
  server = createServer(async (request, response) => {
    const body = await text(request);
    seen.push({ line: `${request.method} ${request.url}`, headers: request.headers, body: body && JSON.parse(body) });
    response.writeHead(reply.status, { 'Content-Type': 'application/json' }).end(reply.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const control = () => connect({ token: 'secret', name: 'Ann' }, url);
const { signal } = new AbortController();

it('shows its token and its name with everything', async () => {
  await control().status(signal);
  expect(seen[0]).toMatchObject({
    line: 'GET /api/status',
    headers: { authorization: 'Bearer secret', 'x-cutover-who': 'Ann' },
  });
});

describe('a change', () => {
  it('is made with its reason, of the state that was seen', async () => {
    await control().change({ verb: 'weight', share: 25 }, 'ramp', 12);
    expect(seen[0]).toMatchObject({
      line: 'PUT /api/weight',
      headers: { 'if-match': '"12"' },
      body: { share: 25, reason: 'ramp' },
    });
  });

  it.each([
    [{ verb: 'start' } as const, 'POST /api/start', { empty: true, reason: 'go' }],
    [{ verb: 'stop' } as const, 'POST /api/stop', { reason: 'go' }],
    [{ verb: 'rearm' } as const, 'POST /api/rearm', { reason: 'go' }],
  ])('%o is %s', async (wish, line, body) => {
    await control().change(wish, 'go', 1);
    expect(seen).toMatchObject([{ line, body }]);
  });

  it('that is rehearsed is not made', async () => {
    await control().rehearse({ verb: 'rearm' });
    expect(seen[0]?.line).toBe('POST /api/rearm?dry_run=1');
  });
});

describe('a failure', () => {
  it('is told in the words of the control', async () => {
    reply = { status: 409, body: '{"error":"refused","message":"the guard is latched","code":409,"details":{}}' };
    await expect(control().rehearse({ verb: 'stop' })).rejects.toMatchObject({
      status: 409,
      message: 'the guard is latched',
    });
  });

  it('without words names its status', async () => {
    reply = { status: 502, body: '<h1>Bad Gateway</h1>' };
    await expect(control().diffs(signal)).rejects.toMatchObject({ status: 502, message: 'The control answered 502.' });
  });

  it('is told when somebody else answers', async () => {
    reply = { status: 200, body: '<h1>Welcome</h1>' };
    await expect(control().status(signal)).rejects.toThrow('not JSON');
  });

  it('is told when nobody answers', async () => {
    server.close();
    await once(server, 'close');
    await expect(control().status(signal)).rejects.toMatchObject({ status: 0, message: 'The control does not answer.' });
  });
});

it('asks for one difference by its id, whatever is in it', async () => {
  await control().diff('a/b', signal);
  expect(seen[0]?.line).toBe('GET /api/diffs/a%2Fb');
});

it('unwraps what needs a person', async () => {
  reply.body = '{"entries":[{"number":57}]}';
  expect(await control().needing(signal)).toEqual([{ number: 57 }]);
  expect(seen[0]?.line).toBe('GET /api/journal/entries?limit=10');
});

it('unwraps the history', async () => {
  reply.body = '{"history":[{"id":1}]}';
  expect(await control().history(10, signal)).toEqual([{ id: 1 }]);
  expect(seen[0]?.line).toBe('GET /api/history?limit=10');
});
