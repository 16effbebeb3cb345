'use strict';

const express = require('express');
const { mark, scan, studentIdOf } = require('../attendance');
const db = require('../db');
const { authenticate, staffOnly } = require('../middleware/auth');
const { wrap } = require('../middleware/wrap');
const { publishUpdate } = require('../realtime/hub');
const { conditions } = require('../where');
const excuseLetters = require('./excuseLetters');

const router = express.Router();

router.use('/excuse-letters', excuseLetters);

const DAY_COLUMNS = ['date', 'title', 'description'];

// The date is text, and two days may have the same.
router.get('/days', authenticate, wrap(async (req, res) => {
  res.json(await db.list(req, 'training_days', [], [], 'date DESC'));
}));

router.post('/days', staffOnly, wrap(async (req, res) => {
  const { date, title } = req.body;
  if (!date || !title) {
    return res.status(400).json({ message: 'Date and title are required' });
  }
  const entries = [...db.pick(req.body, DAY_COLUMNS), ['created_at', new Date()]];
  const { rows } = await db.insert('training_days', entries);
  publishUpdate('training_days', 'created', rows[0].id);
  res.json(rows[0]);
}));

router.get('/days/:id', authenticate, wrap(async (req, res) => {
  const { rows } = await db.query('SELECT * FROM training_days WHERE id = $1', [parseInt(req.params.id)]);
  if (!rows[0]) return res.status(404).json({ message: 'Training day not found' });
  res.json(rows[0]);
}));

router.put('/days/:id', staffOnly, wrap(async (req, res) => {
  const id = parseInt(req.params.id);
  const entries = db.pick(req.body, DAY_COLUMNS);
  // An UPDATE needs something to set.
  const { rows } = await db.update('training_days', id, entries.length ? entries : [['id', id]]);
  if (rows[0]) publishUpdate('training_days', 'updated', id);
  res.json(rows[0] || {});
}));

router.delete('/days/:id', staffOnly, wrap(async (req, res) => {
  const id = parseInt(req.params.id);
  await db.query('DELETE FROM training_days WHERE id = $1', [id]);
  publishUpdate('training_days', 'deleted', id);
  res.json({ message: 'Training day deleted' });
}));

// Every cadet, marked or not, in no order.
router.get('/days/:id/records', staffOnly, wrap(async (req, res) => {
  const { where, params, add } = conditions();
  params.push(parseInt(req.params.id));
  if (req.query.company) add('c.company = ?', req.query.company);
  if (req.query.platoon) add('c.platoon = ?', req.query.platoon);
  const { rows } = await db.query(
    `SELECT c.id AS cadet_id, c.student_id, c.first_name, c.last_name, c.company, c.platoon,
       a.id AS attendance_id, a.status, a.remarks, a.time_in, a.time_out
     FROM cadets c LEFT JOIN attendance a ON a.cadet_id = c.id AND a.training_day_id = $1
     WHERE ${['c.is_archived IS NOT TRUE', ...where].join(' AND ')}`,
    params,
  );
  res.json(rows);
}));

router.post('/mark', staffOnly, wrap(async (req, res) => {
  const { trainingDayId, cadetId, status } = req.body;
  if (!trainingDayId || !cadetId || !status) {
    return res.status(400).json({ message: 'Missing required fields' });
  }
  const { rows } = await mark(trainingDayId, 'cadet_id', cadetId, req.body, new Date());
  publishUpdate('attendance', 'marked', rows[0].id);
  res.json(rows[0]);
}));

// One statement per record and no transaction: a bad one leaves those before it marked.
router.post('/mark/bulk', staffOnly, wrap(async (req, res) => {
  const { trainingDayId, records } = req.body;
  if (!Array.isArray(records)) {
    return res.status(400).json({ message: 'records is required' });
  }
  let marked = 0;
  for (const record of records) {
    await mark(trainingDayId, 'cadet_id', record.cadetId, record, 'now');
    marked += 1;
  }
  publishUpdate('attendance', 'marked', null);
  res.json({ marked });
}));

router.post('/scan', staffOnly, wrap(async (req, res) => {
  const { trainingDayId, qrData } = req.body;
  if (!trainingDayId || !qrData) {
    return res.status(400).json({ message: 'Training day and QR code are required' });
  }
  const { rows } = await db.query(
    'SELECT id, student_id, first_name, last_name FROM cadets WHERE student_id = $1', [studentIdOf(qrData)],
  );
  if (!rows[0]) return res.status(404).json({ message: 'Cadet not found' });
  const { message, row } = await scan(trainingDayId, rows[0].id);
  publishUpdate('attendance', 'marked', row.id);
  res.json({ message, cadet: rows[0], attendance: row });
}));

router.post('/staff/mark', staffOnly, wrap(async (req, res) => {
  const { trainingDayId, staffId, status } = req.body;
  if (!trainingDayId || !staffId || !status) {
    return res.status(400).json({ message: 'Missing required fields' });
  }
  const { rows } = await mark(trainingDayId, 'staff_id', staffId, req.body, new Date());
  res.json(rows[0]);
}));

router.get('/my-history', authenticate, wrap(async (req, res) => {
  if (!req.user.cadetId) return res.status(404).json({ message: 'Cadet not found' });
  const from = 'attendance a JOIN training_days d ON d.id = a.training_day_id';
  res.json(await db.list(req, from, ['a.cadet_id = $1'], [req.user.cadetId], 'd.date DESC', 'a.*, d.date, d.title'));
}));

module.exports = router;
