import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';

import { loadApi } from './support/modules.js';
import { startServer } from './support/server.js';

let server;
let api;
beforeAll(async () => (server = await startServer()));
afterAll(() => server.stop());
beforeEach(async () => {
  server.requests.length = 0;
  server.reply = () => ({ body: {} });
  api = (await loadApi(server.url)).default;
});

describe('requests', () => {
  it.each([
    ['get', '/cadets'],
    ['post', '/auth/login'],
    ['put', '/system/settings'],
    ['patch', '/cadets/1'],
    ['delete', '/cadets/1'],
  ])('%s %s goes below /api/v1', async (method, path) => {
    await api.request({ method, url: path });
    expect(server.requests).toMatchObject([{ method: method.toUpperCase(), path: `/api/v1${path}` }]);
  });

  it('resolve to the body', async () => {
    server.reply = () => ({ body: { id: 7 } });
    expect(await api.get('/cadets/7')).toEqual({ id: 7 });
  });

  it('have thirty seconds', () => {
    expect(api.defaults.timeout).toBe(30_000);
  });

  it('say nothing about a token that nobody has', async () => {
    await api.get('/cadets');
    expect(server.requests[0].headers).not.toHaveProperty('authorization');
  });
});

describe('a 401', () => {
  beforeEach(() => {
    localStorage.setItem('authToken', 'old');
    server.reply = () => ({ status: 401, body: { message: 'No token provided' } });
  });

  it('removes the token and goes to /login', async () => {
    window.history.replaceState(null, '', '/cadets?page=2');
    await expect(api.get('/cadets')).rejects.toMatchObject({ status: 401, message: 'No token provided' });
    expect(localStorage.getItem('authToken')).toBeNull();
    expect(window.location.pathname).toBe('/login');
  });

  it('leaves the login page where it is, so that its message stays', async () => {
    window.history.replaceState(null, '', '/login');
    const moved = vi.fn();
    window.addEventListener('popstate', moved, { once: true });
    await expect(api.post('/auth/login', {})).rejects.toMatchObject({ status: 401 });
    expect(moved).not.toHaveBeenCalled();
  });
});

describe('failures', () => {
  it.each([403, 500, 503])('with %i are told on the console', async (status) => {
    const told = vi.spyOn(console, 'error').mockImplementation(() => {});
    server.reply = () => ({ status, body: { message: 'no' } });
    await expect(api.get('/cadets')).rejects.toMatchObject({ status });
    expect(told).toHaveBeenCalledWith(expect.stringContaining(String(status)), { message: 'no' });
  });

  it.each([400, 404, 409])('with %i are not', async (status) => {
    const told = vi.spyOn(console, 'error').mockImplementation(() => {});
    server.reply = () => ({ status, body: { message: 'no' } });
    await expect(api.get('/cadets')).rejects.toMatchObject({ status });
    expect(told).not.toHaveBeenCalled();
  });

  it('of the network are friendly', async () => {
    const gone = await startServer();
    await gone.stop();
    const deaf = (await loadApi(gone.url)).default;
    vi.spyOn(console, 'error').mockImplementation(() => {}); // the DOM's own report of the refused connection
    await expect(deaf.get('/cadets')).rejects.toMatchObject({
      status: 0,
      code: 'NETWORK_ERROR',
      message: 'Unable to connect to server. Please check your internet connection.',
    });
  });

  it('that are a page of HTML get the fallback message', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    server.reply = () => ({ status: 502, text: '<h1>Bad Gateway</h1>', type: 'text/html' });
    await expect(api.get('/cadets')).rejects.toMatchObject({ status: 502, message: 'An error occurred', details: {} });
  });

  it('that were asked for are left alone', async () => {
    server.reply = () => new Promise(() => {});
    const control = new AbortController();
    const asked = api.get('/cadets', { signal: control.signal });
    control.abort();
    await expect(asked).rejects.toMatchObject({ code: 'ERR_CANCELED' });
  });
});

it('names the WebSocket side of the same edge', async () => {
  const { WS_BASE_URL } = await loadApi(server.url);
  expect(WS_BASE_URL).toBe(server.url.replace('http', 'ws'));
});
