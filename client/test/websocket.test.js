import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { loadFor } from './support/modules.js';

let server;
let socket;
let reconnectDelay;
let opened;

// Only the client's waiting is faked: the sockets themselves are real, though the DOM's own does not work under test.
beforeEach(async () => {
  vi.stubGlobal('WebSocket', WebSocket);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await listen();
  ({ default: socket, reconnectDelay } = await loadFor(
    `http://127.0.0.1:${server.address().port}`,
    '../../src/utils/websocket.js',
  ));
});

afterEach(async () => {
  socket.disconnect();
  vi.useRealTimers();
  await close();
});

async function listen(port = 0) {
  opened = [];
  server = new WebSocketServer({ host: '127.0.0.1', port });
  server.on('connection', (peer, request) => opened.push({ peer, url: request.url }));
  await once(server, 'listening');
}

async function close() {
  server.clients.forEach((peer) => peer.terminate());
  await new Promise((done) => server.close(done));
}

const turn = () => new Promise((done) => setImmediate(done));

async function until(condition) {
  const deadline = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never came true: ${condition}`);
    await turn();
  }
}

/** Let the client wait for so long, and the sockets do what they then have to do. */
async function pass(ms, step = 100) {
  for (let passed = 0; passed < ms; passed += step) {
    vi.advanceTimersByTime(step);
    for (let turns = 0; turns < 10; turns += 1) await turn();
  }
}

async function connected(number = 1) {
  await until(() => opened.length === number && socket.send({ hello: number }));
}

async function lost() {
  await until(() => !socket.send({}));
}

describe('a connection', () => {
  it('names the endpoint and carries the token', async () => {
    localStorage.setItem('authToken', 'a.b+c');
    socket.connect('/ws/notifications/', () => {});
    await connected();
    expect(opened[0].url).toBe('/ws/notifications/?token=a.b%2Bc');
  });

  it('hands over what it receives, and tells of what is not JSON', async () => {
    const [onMessage, onError] = [vi.fn(), vi.fn()];
    socket.connect('/ws/updates/', onMessage, onError);
    await connected();
    opened[0].peer.send('{"type":"notification"}');
    opened[0].peer.send('{');
    await until(() => onError.mock.calls.length === 1);
    expect(onMessage.mock.calls).toEqual([[{ type: 'notification' }]]);
    expect(onError).toHaveBeenCalledWith(expect.any(SyntaxError));
  });

  it('sends JSON, only while it is open', async () => {
    expect(socket.send({ lost: true })).toBe(false);
    socket.connect('/ws/chat/1/', () => {});
    const heard = [];
    await until(() => opened.length === 1);
    opened[0].peer.on('message', (data) => heard.push(JSON.parse(data)));
    await until(() => socket.send({ text: 'hello' }));
    await until(() => heard.length === 1);
    expect(heard).toEqual([{ text: 'hello' }]);
  });

  it('is replaced by the next one, which alone is listened to', async () => {
    const first = vi.fn();
    socket.connect('/ws/chat/1/', first);
    await connected();
    socket.connect('/ws/chat/2/', () => {});
    await connected(2);
    await pass(20_000);
    expect(opened).toHaveLength(2);
    expect(first).not.toHaveBeenCalled();
  });
});

describe('a lost connection', () => {
  it('comes back after a flip has closed it, but not at once', async () => {
    socket.connect('/ws/notifications/', () => {});
    await connected();
    opened[0].peer.close(1012);
    await lost();
    await pass(400);
    expect(opened).toHaveLength(1);
    await pass(1200);
    await connected(2);
  });

  it('is tried five times at most, and no sixth', async () => {
    const onError = vi.fn();
    socket.connect('/ws/notifications/', () => {}, onError);
    await connected();
    await close();
    await lost();
    while (onError.mock.calls.length < 5) await pass(100);
    await pass(20_000);
    expect(onError).toHaveBeenCalledTimes(5);
    await listen();
  });

  it('stays lost when the server refuses the token, which is told', async () => {
    const onError = vi.fn();
    socket.connect('/ws/notifications/', () => {}, onError);
    await connected();
    opened[0].peer.close(4001, 'Session expired or invalid token');
    await until(() => onError.mock.calls.length === 1);
    await pass(20_000);
    expect(opened).toHaveLength(1);
    expect(onError.mock.calls[0][0].reason).toBe('Session expired or invalid token');
  });

  it('has five attempts again once it was open', async () => {
    socket.connect('/ws/notifications/', () => {});
    for (let times = 1; times <= 7; times += 1) {
      await connected(times);
      opened[times - 1].peer.terminate();
      await lost();
      await pass(1600);
    }
    await connected(8);
  });
});

describe('disconnect', () => {
  it('never reconnects', async () => {
    socket.connect('/ws/notifications/', () => {});
    await connected();
    socket.disconnect();
    await pass(20_000);
    expect(opened).toHaveLength(1);
  });

  it('ends the waiting for the next attempt', async () => {
    socket.connect('/ws/notifications/', () => {});
    await connected();
    opened[0].peer.terminate();
    await lost();
    await pass(200);
    socket.disconnect();
    await pass(20_000);
    expect(opened).toHaveLength(1);
  });

  it('is final also while it is still connecting', async () => {
    socket.connect('/ws/notifications/', () => {});
    socket.disconnect();
    await pass(20_000);
    expect(socket.send({})).toBe(false);
  });
});

it('waits about a second for each attempt, spread', () => {
  for (const attempt of [1, 2, 3, 4, 5]) {
    expect(reconnectDelay(attempt, () => 0)).toBe(500 * attempt);
    expect(reconnectDelay(attempt, () => 1)).toBe(1500 * attempt);
  }
});
