const INSTANT = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const NAMES = /(_at|^timestamp|^last_seen|^date_joined|^date_recorded)$/;

/** The `Date` of an ISO 8601 instant, or null. Django sends microseconds and Node milliseconds: a Date holds the latter. */
export function toDate(text) {
  const parts = typeof text === 'string' ? INSTANT.exec(text) : null;
  if (!parts) return null;
  const [, seconds, fraction = '', zone] = parts;
  const date = new Date(seconds + fraction.slice(0, 4) + zone);
  return Number.isNaN(date.getTime()) ? null : date;
}

/** A value of an answer with its instants as Dates. Only by field name: a remark that looks like an instant is text. */
export function withDates(value) {
  if (Array.isArray(value)) return value.map(withDates);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, field(name, inner)]));
}

function field(name, value) {
  return (NAMES.test(name) && toDate(value)) || withDates(value);
}

/** The day of a DATE column: Django sends `2003-04-05`, Node a midnight. */
export function toDay(text) {
  return typeof text === 'string' ? text.slice(0, 10) : '';
}

export function formatDate(date) {
  return date instanceof Date ? date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' }) : '–';
}
