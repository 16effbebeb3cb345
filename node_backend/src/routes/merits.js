'use strict';

const express = require('express');
const db = require('../db');
const { authenticate, staffOnly, isStaff } = require('../middleware/auth');
const { wrap } = require('../middleware/wrap');
const { conditions } = require('../where');

const router = express.Router();

router.get('/', authenticate, wrap(async (req, res) => {
  const { where, params, add } = conditions();
  const cadetId = isStaff(req) ? req.query.cadetId : req.user.cadetId;
  if (cadetId || !isStaff(req)) add('cadet_id = ?', cadetId);
  if (req.query.type) add('type = ?', req.query.type);
  res.json(await db.list(req, 'merit_demerit_logs', where, params, 'date_recorded DESC'));
}));

// date_recorded is left to the database, and the audit row to its trigger.
router.post('/', staffOnly, wrap(async (req, res) => {
  const { cadetId, type, points, reason, issuedByName } = req.body;
  if (!cadetId || !type || points === undefined || points === null) {
    return res.status(400).json({ message: 'Missing required fields' });
  }
  const { rows } = await db.insert('merit_demerit_logs', [
    ['cadet_id', cadetId], ['type', type], ['points', points], ['reason', reason], ['issued_by', req.user.id],
    ['issued_by_name', issuedByName],
  ]);
  res.json(rows[0]);
}));

router.delete('/:id', staffOnly, wrap(async (req, res) => {
  await db.query('DELETE FROM merit_demerit_logs WHERE id = $1', [parseInt(req.params.id)]);
  res.json({ message: 'Merit log deleted' });
}));

module.exports = router;
