import fc from 'fast-check';

export const token = fc.stringMatching(/^[A-Za-z0-9_-]{1,40}\.[A-Za-z0-9_-]{1,80}\.[A-Za-z0-9_-]{1,43}$/);

export const method = fc.constantFrom('get', 'post', 'put', 'patch', 'delete');

export const path = fc
  .array(fc.stringMatching(/^[a-z0-9_-]{1,12}$/), { minLength: 1, maxLength: 4 })
  .map((parts) => `/${parts.join('/')}`);

export const instant = fc.date({
  min: new Date('0001-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59Z'),
  noInvalidDate: true,
});

/** An answer's body that failed, as either backend, a proxy or a broken one may send it. */
export const failedBody = fc.oneof(
  fc.record({ error: fc.string(), message: fc.string(), code: fc.string(), details: fc.dictionary(fc.string(), fc.string()) }),
  fc.record({ message: fc.string({ minLength: 1 }) }),
  fc.jsonValue(),
);
