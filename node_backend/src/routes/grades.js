'use strict';

const express = require('express');
const db = require('../db');
const { authenticate, staffOnly, isStaff } = require('../middleware/auth');
const { wrap } = require('../middleware/wrap');
const { notifyCadet } = require('../notify');
const { conditions } = require('../where');

const router = express.Router();

// Field of the API → column.
const FIELDS = { term: 'term', score: 'score', maxScore: 'max_score', status: 'status', remarks: 'remarks' };

function entriesOf(body) {
  return db.pick(body, Object.keys(FIELDS)).map(([field, value]) => [FIELDS[field], value]);
}

function missing(value) {
  return value === undefined || value === null || value === '';
}

// A cadet has several grades, and their order is up to the database.
router.get('/', authenticate, wrap(async (req, res) => {
  const { where, params, add } = conditions();
  const cadetId = isStaff(req) ? req.query.cadetId : req.user.cadetId;
  if (cadetId || !isStaff(req)) add('cadet_id = ?', cadetId);
  if (req.query.categoryId) add('category_id = ?', req.query.categoryId);
  if (req.query.term) add('term = ?', req.query.term);
  res.json(await db.list(req, 'grades', where, params, 'cadet_id'));
}));

// The grade and the notification are two writes: if the second fails, the grade is there and the answer is a 500.
router.post('/', staffOnly, wrap(async (req, res) => {
  const { cadetId, categoryId, score } = req.body;
  if (!cadetId || !categoryId || missing(score)) {
    return res.status(400).json({ message: 'Missing required fields' });
  }
  const now = new Date();
  const { rows } = await db.insert('grades', [
    ['cadet_id', cadetId], ['category_id', categoryId], ...entriesOf(req.body),
    ['graded_by', req.user.id], ['created_at', now], ['updated_at', now],
  ]);
  await notifyCadet(rows[0].cadet_id, 'grade', 'New grade posted', 'high');
  res.json(rows[0]);
}));

// One statement per cadet and no transaction: a bad one leaves those before it graded.
router.post('/bulk', staffOnly, wrap(async (req, res) => {
  const { categoryId, term, maxScore, grades } = req.body;
  if (!Array.isArray(grades)) {
    return res.status(400).json({ message: 'grades is required' });
  }
  // An ISO string, where a single grade has a Date: the same column in another zone.
  const now = new Date().toISOString();
  let saved = 0;
  for (const { cadetId, score, status, remarks } of grades) {
    await db.upsert(
      'grades',
      [['cadet_id', cadetId], ['category_id', categoryId], ['term', term]],
      [['score', score], ['max_score', maxScore ?? 100], ['status', status ?? 'active'], ['remarks', remarks],
        ['graded_by', req.user.id], ['updated_at', now]],
      [['created_at', now]],
    );
    saved += 1;
  }
  res.json({ saved });
}));

router.put('/:id', staffOnly, wrap(async (req, res) => {
  const entries = [...entriesOf(req.body), ['graded_by', req.user.id], ['updated_at', new Date()]];
  const { rows } = await db.update('grades', parseInt(req.params.id), entries);
  res.json(rows[0] || {});
}));

router.delete('/:id', staffOnly, wrap(async (req, res) => {
  await db.query('DELETE FROM grades WHERE id = $1', [parseInt(req.params.id)]);
  res.json({ message: 'Grade deleted' });
}));

module.exports = router;
