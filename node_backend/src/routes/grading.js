'use strict';

const express = require('express');
const { cached } = require('../cache');
const db = require('../db');
const { STANDING, grade } = require('../grades');
const { authenticate, adminOnly, staffOnly, staffOrSelf } = require('../middleware/auth');
const { wrap } = require('../middleware/wrap');
const gradeRoutes = require('./grades');
const meritRoutes = require('./merits');

const router = express.Router();

router.use('/grades', gradeRoutes);
router.use('/merit-logs', meritRoutes);

const CATEGORY_COLUMNS = ['name', 'weight', 'description'];

router.get('/categories', authenticate, wrap(async (req, res) => {
  res.json((await db.query('SELECT * FROM grade_categories')).rows);
}));

router.post('/categories', adminOnly, wrap(async (req, res) => {
  const { name, weight } = req.body;
  if (!name || weight === undefined || weight === null) {
    return res.status(400).json({ message: 'Name and weight are required' });
  }
  res.json((await db.insert('grade_categories', db.pick(req.body, CATEGORY_COLUMNS))).rows[0]);
}));

router.put('/categories/:id', adminOnly, wrap(async (req, res) => {
  const id = parseInt(req.params.id);
  const entries = db.pick(req.body, CATEGORY_COLUMNS);
  const { rows } = await db.update('grade_categories', id, entries.length ? entries : [['id', id]]);
  res.json(rows[0] || {});
}));

// One that is in use is held by its grades: the database says so in its own words.
router.delete('/categories/:id', adminOnly, wrap(async (req, res) => {
  await db.query('DELETE FROM grade_categories WHERE id = $1', [parseInt(req.params.id)]);
  res.json({ message: 'Category deleted' });
}));

router.get('/cadets/:id/summary', staffOrSelf, wrap(async (req, res) => {
  const { rows } = await db.query(`${STANDING} c.id = $1`, [parseInt(req.params.id)]);
  const row = rows[0];
  if (!row) return res.status(404).json({ message: 'Cadet not found' });
  res.json({
    cadetId: row.id, present: row.present, trainingDays: row.training_days, merits: row.merits,
    demerits: row.demerits, prelim: row.prelim, midterm: row.midterm, final: row.final, ...grade(row),
  });
}));

// The first and the last row are in no table, and their time is that of the question: no two answers are equal.
router.get('/cadets/:id/ledger', staffOrSelf, wrap(async (req, res) => {
  const id = parseInt(req.params.id);
  const { rows } = await db.query(
    'SELECT * FROM merit_demerit_logs WHERE cadet_id = $1 ORDER BY date_recorded, id', [id],
  );
  const invented = (points, reason) => ({
    id: null, cadet_id: id, type: 'merit', points, reason, issued_by: null, issued_by_name: 'System',
    date_recorded: new Date(),
  });
  let balance = 0;
  const lines = [invented(100, 'Base aptitude'), ...rows, invented(0, 'Current balance')].map((row) => {
    balance += row.type === 'merit' ? row.points : -row.points;
    return { ...row, balance };
  });
  res.json(lines);
}));

const LEADERS = `
  SELECT c.id, c.first_name, c.last_name, c.company, COALESCE(m.merits, 0) AS merits,
    COALESCE(m.demerits, 0) AS demerits, COALESCE(m.merits, 0) - COALESCE(m.demerits, 0) AS points
  FROM cadets c
  LEFT JOIN (SELECT cadet_id, SUM(points) FILTER (WHERE type = 'merit') AS merits,
      SUM(points) FILTER (WHERE type = 'demerit') AS demerits
    FROM merit_demerit_logs GROUP BY cadet_id) m ON m.cadet_id = c.id
  WHERE c.is_archived IS NOT TRUE
  ORDER BY points DESC, c.id LIMIT $1`;

async function leaders(limit) {
  const { rows } = await db.query(LEADERS, [limit]);
  return rows.map((row, i) => ({
    rank: i + 1, cadetId: row.id, firstName: row.first_name, lastName: row.last_name, company: row.company,
    merits: row.merits, demerits: row.demerits, points: row.points,
  }));
}

router.get('/leaderboard', authenticate, wrap(async (req, res) => {
  const limit = Math.min(parseInt(req.query.limit || 10), 100);
  const { hit, value } = await cached(`leaderboard ${limit}`, () => leaders(limit));
  res.set('X-Cache', hit ? 'HIT' : 'MISS');
  res.json(value);
}));

module.exports = router;
