/** What a list page shows, out of any paged answer. The legacy backend's `total` is a string. */
export function extractPaginationData(body) {
  if (!Array.isArray(body?.data)) throw new TypeError('The answer is not a page: it has no list named data');
  return {
    page: number(body, 'page'),
    limit: number(body, 'limit'),
    total: number(body, 'total'),
    data: body.data,
  };
}

function number(body, name) {
  const value = typeof body[name] === 'string' && body[name] !== '' ? Number(body[name]) : body[name];
  if (!Number.isInteger(value) || value < 0) throw new TypeError(`The answer is not a page: ${name} is not a count`);
  return value;
}
