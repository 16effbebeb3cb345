'use strict';

const express = require('express');
const { mark } = require('../attendance');
const db = require('../db');
const { authenticate, staffOnly, isStaff } = require('../middleware/auth');
const { wrap } = require('../middleware/wrap');
const { notifyCadet } = require('../notify');
const { toDisk, urlOf, fieldsOf } = require('../uploads');
const { conditions } = require('../where');

const router = express.Router();

const STATUSES = ['pending', 'approved', 'rejected'];

router.get('/', authenticate, wrap(async (req, res) => {
  const { where, params, add } = conditions();
  if (!isStaff(req)) add('cadet_id = ?', req.user.cadetId);
  if (req.query.status) add('status = ?', req.query.status);
  res.json(await db.list(req, 'excuse_letters', where, params, 'created_at DESC'));
}));

router.post('/', authenticate, toDisk.single('file'), wrap(async (req, res) => {
  const body = fieldsOf(req);
  const cadetId = isStaff(req) ? body.cadetId : req.user.cadetId;
  if (!cadetId || !body.dateAbsent) {
    return res.status(400).json({ message: 'Cadet and date are required' });
  }
  const { rows } = await db.insert('excuse_letters', [
    ['cadet_id', cadetId], ['training_day_id', body.trainingDayId], ['date_absent', body.dateAbsent],
    ['reason', body.reason], ['file_url', req.file ? urlOf(req.file) : null], ['created_at', new Date()],
  ]);
  res.json(rows[0]);
}));

// Three writes and no transaction: what a failure finds done stays done.
router.put('/:id/status', staffOnly, wrap(async (req, res) => {
  const { status } = req.body;
  if (!STATUSES.includes(status)) {
    return res.status(400).json({ message: 'Invalid status' });
  }
  const { rows } = await db.update('excuse_letters', parseInt(req.params.id), [['status', status]]);
  const letter = rows[0];
  if (!letter) return res.json({});
  if (status === 'approved' && letter.training_day_id && letter.cadet_id) {
    const excused = { status: 'excused', remarks: 'Excuse letter approved' };
    await mark(letter.training_day_id, 'cadet_id', letter.cadet_id, excused, 'now');
  }
  if (status !== 'pending') {
    await notifyCadet(letter.cadet_id, 'attendance', `Excuse letter ${status}`);
  }
  res.json(letter);
}));

module.exports = router;
