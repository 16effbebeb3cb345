'use strict';

const { createHash } = require('crypto');
const db = require('./db');
const { publish } = require('./realtime/hub');

// The URL namespace of RFC 9562.
const NAMESPACE = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex');

// A UUID of version 5, made from the row's id: whoever sends the event, its id is the same.
function eventId(rowId) {
  const bytes = createHash('sha1').update(NAMESPACE).update(`notifications/${rowId}`).digest().subarray(0, 16);
  bytes[6] = (bytes[6] & 0x0f) | 0x50;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

// No user means everybody. now() is the clock of the database session, not that of this process.
async function notify(userId, type, message, priority = 'normal') {
  const { rows } = await db.query(
    `INSERT INTO notifications (user_id, type, message, priority, created_at)
     VALUES ($1, $2, $3, $4, now()) RETURNING *`,
    [userId, type, message, priority],
  );
  const row = rows[0];
  const data = { id: eventId(row.id), message: row.message, timestamp: row.created_at, priority: row.priority };
  publish('notifications', 'notification', data, (id) => row.user_id === null || row.user_id === id);
  return row;
}

async function notifyCadet(cadetId, type, message, priority) {
  const { rows } = await db.query('SELECT id FROM users WHERE cadet_id = $1 ORDER BY id LIMIT 1', [cadetId]);
  if (rows[0]) await notify(rows[0].id, type, message, priority);
}

module.exports = { eventId, notify, notifyCadet };
