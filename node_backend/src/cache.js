'use strict';

const TTL_MS = 60 * 1000;
const entries = new Map();

// Per process and never invalidated by a write: for a minute the answer may be older than the database.
async function cached(key, load) {
  const entry = entries.get(key);
  if (entry && Date.now() - entry.at < TTL_MS) {
    return { hit: true, value: entry.value };
  }
  const value = await load();
  entries.set(key, { at: Date.now(), value });
  return { hit: false, value };
}

module.exports = { cached, TTL_MS };
