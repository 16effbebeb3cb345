'use strict';

const { Pool } = require('pg');

// No type parsers are set. So COUNT, BIGINT and NUMERIC stay strings, a DATE becomes midnight in the zone of this
// process, and a TIMESTAMP is read and written as the clock of that zone. The frontend has learned to live with it.
const pool = new Pool({
  connectionString: process.env.DATABASE_URL,
  max: parseInt(process.env.PGPOOL_MAX) || 10,
});

// Without a listener a connection that dies in the pool would take the process with it.
pool.on('error', (err) => console.error(`idle database connection lost: ${err.message}`));

function query(text, params) {
  return pool.query(text, params);
}

// The entries of body that name one of the columns. Everything else in it is ignored.
function pick(body, columns) {
  return columns.filter((name) => body[name] !== undefined).map((name) => [name, body[name]]);
}

function insert(table, entries) {
  const names = entries.map(([name]) => name).join(', ');
  const marks = entries.map((_, i) => `$${i + 1}`).join(', ');
  return query(`INSERT INTO ${table} (${names}) VALUES (${marks}) RETURNING *`, entries.map(([, value]) => value));
}

function update(table, id, entries) {
  const sets = entries.map(([name], i) => `${name} = $${i + 1}`).join(', ');
  const params = entries.map(([, value]) => value).concat([id]);
  return query(`UPDATE ${table} SET ${sets} WHERE id = $${params.length} RETURNING *`, params);
}

// Adds a row, or overwrites the one that is there under the same unique columns: `keep` is written only at first.
function upsert(table, unique, entries, keep) {
  const all = [...unique, ...entries, ...keep];
  const marks = all.map((_, i) => `$${i + 1}`).join(', ');
  const sets = entries.map(([name]) => `${name} = EXCLUDED.${name}`).join(', ');
  return query(
    `INSERT INTO ${table} (${all.map(([name]) => name).join(', ')}) VALUES (${marks})
     ON CONFLICT (${unique.map(([name]) => name).join(', ')}) DO UPDATE SET ${sets} RETURNING *`,
    all.map(([, value]) => value),
  );
}

// Two statements and no snapshot: total and data may disagree while others write.
async function list(req, table, where, params, orderBy, columns = '*') {
  const page = parseInt(req.query.page || 1);
  const limit = Math.min(parseInt(req.query.limit || 20), 100);
  const filter = where.length ? `WHERE ${where.join(' AND ')}` : '';
  const count = await query(`SELECT COUNT(*) AS total FROM ${table} ${filter}`, params);
  const n = params.length;
  const rows = await query(
    `SELECT ${columns} FROM ${table} ${filter} ORDER BY ${orderBy} LIMIT $${n + 1} OFFSET $${n + 2}`,
    [...params, limit, (page - 1) * limit],
  );
  return { page, limit, total: count.rows[0].total, data: rows.rows };
}

function end() {
  return pool.end();
}

module.exports = { query, pick, insert, update, upsert, list, end };
