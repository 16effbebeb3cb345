import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';

import { failedBody, instant, method, path, token } from './support/arbitraries.js';
import { loadApi } from './support/modules.js';
import { startServer } from './support/server.js';

let server;
let api;
let extractPaginationData;
beforeAll(async () => {
  server = await startServer();
  ({ default: api, extractPaginationData } = await loadApi(server.url));
});
afterAll(() => server.stop());

async function answered(body, status = 200) {
  server.reply = () => ({ status, body });
  return api.get('/anything');
}

// Feature: django-backend-activation, Property 9: Token
it('each authenticated request carries its token', async () => {
  await fc.assert(
    fc.asyncProperty(token, method, path, async (jwt, verb, url) => {
      localStorage.setItem('authToken', jwt);
      await api.request({ method: verb, url });
      const { headers, path: asked } = server.requests.at(-1);
      expect(headers.authorization).toBe(`Bearer ${jwt}`);
      expect(asked).toBe(`/api/v1${url}`);
    }),
  );
});

// Feature: django-backend-activation, Property 10: Datetimes
it('instants in answers become the right Date, in milliseconds and in microseconds', async () => {
  const precision = fc.constantFrom(
    (date) => date.toISOString(),
    (date) => date.toISOString().replace('Z', '987Z'),
    (date) => date.toISOString().replace('Z', '+00:00'),
  );
  await fc.assert(
    fc.asyncProperty(instant, precision, async (date, written) => {
      const found = await answered({ data: [{ created_at: written(date), remarks: written(date) }] });
      expect(found.data[0].created_at).toEqual(date);
      expect(found.data[0].remarks).toBe(written(date));
    }),
  );
});

// Feature: django-backend-activation, Property 11: Pages
it('page, limit, total and data are read from every paged answer, whichever backend wrote it', async () => {
  const count = fc.nat({ max: 1_000_000 });
  const total = fc.tuple(count, fc.constantFrom(String, Number));
  await fc.assert(
    fc.asyncProperty(count, count, total, fc.array(fc.record({ id: count })), async (page, limit, [n, kind], data) => {
      const found = extractPaginationData(await answered({ page, limit, total: kind(n), data }));
      expect(found).toEqual({ page, limit, total: n, data });
    }),
  );
});

// Feature: django-backend-activation, Property 11: Pages
it('what is not a page is not taken for one', () => {
  const wrong = fc.oneof(
    fc.constantFrom(null, undefined, [], 'page', {}),
    fc.record({ page: fc.constantFrom('', 'x', null, -1, 1.5), limit: fc.nat(), total: fc.nat(), data: fc.constant([]) }),
    fc.record({ page: fc.nat(), limit: fc.nat(), total: fc.nat(), data: fc.constantFrom(null, {}, 'rows') }),
  );
  fc.assert(
    fc.property(wrong, (body) => {
      expect(() => extractPaginationData(body)).toThrow(TypeError);
    }),
  );
});

// Feature: django-backend-activation, Property 12: Errors
it('every failure has the four fields and its status', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
  const status = fc.constantFrom(400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 502, 503);
  await fc.assert(
    fc.asyncProperty(status, failedBody, async (code, body) => {
      const error = await answered(body, code).catch((failure) => failure);
      expect(error).toMatchObject({ status: code, code: expect.any(String), details: expect.any(Object) });
      expect(error.message).toBe(typeof body?.message === 'string' && body.message ? body.message : 'An error occurred');
      expect(error.code).not.toBe('');
    }),
  );
});
