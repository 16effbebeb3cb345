'use strict';

const express = require('express');
const { cached } = require('../cache');
const db = require('../db');
const { authenticate, adminOnly, staffOnly } = require('../middleware/auth');
const { wrap } = require('../middleware/wrap');

const router = express.Router();

const STATS = `SELECT
  (SELECT COUNT(*) FROM cadets) AS "totalCadets",
  (SELECT COUNT(*) FROM cadets WHERE is_archived IS NOT TRUE) AS "activeCadets",
  (SELECT COUNT(*) FROM cadets WHERE is_archived) AS "archivedCadets",
  (SELECT COUNT(*) FROM staff) AS "totalStaff",
  (SELECT COUNT(*) FROM users) AS "totalUsers",
  (SELECT COUNT(*) FROM training_days) AS "trainingDays"`;

router.get('/audit-logs', adminOnly, wrap(async (req, res) => {
  const table = req.query.table_name;
  const where = table ? ['table_name = $1'] : [];
  res.json(await db.list(req, 'audit_logs', where, table ? [table] : [], 'id DESC'));
}));

async function readSettings() {
  const { rows } = await db.query('SELECT key, value FROM settings');
  return Object.fromEntries(rows.map((row) => [row.key, row.value]));
}

// The column is text and booleans have always been kept in it as digits.
function stored(value) {
  if (typeof value === 'boolean') return value ? '1' : '0';
  return value;
}

router.get('/settings', authenticate, wrap(async (req, res) => {
  res.json(await readSettings());
}));

router.put('/settings', adminOnly, wrap(async (req, res) => {
  for (const [key, value] of Object.entries(req.body)) {
    await db.query(
      'INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value',
      [key, stored(value)],
    );
  }
  res.json(await readSettings());
}));

router.get('/stats', staffOnly, wrap(async (req, res) => {
  const { hit, value } = await cached('stats', async () => (await db.query(STATS)).rows[0]);
  res.set('X-Cache', hit ? 'HIT' : 'MISS');
  res.json(value);
}));

module.exports = router;
