'use strict';

const express = require('express');
const db = require('../db');
const { authenticate, adminOnly, adminOrOwnStaff, staffOnly } = require('../middleware/auth');
const { wrap } = require('../middleware/wrap');
const { conditions, containing } = require('../where');
const { insertPerson, bulk, importCsv } = require('./people');

const router = express.Router();

const COLUMNS = [
  'rank', 'first_name', 'middle_name', 'last_name', 'suffix_name', 'email', 'contact_number', 'role', 'afpsn',
  'birthdate', 'age', 'height', 'weight', 'blood_type', 'address', 'civil_status', 'nationality', 'gender',
  'is_profile_completed', 'is_archived',
];

// Namesakes come in whatever order the database finds them.
router.get('/', staffOnly, wrap(async (req, res) => {
  const { where, params, add } = conditions();
  if (req.query.search) {
    add('(first_name LIKE ? OR last_name LIKE ? OR email LIKE ?)', containing(req.query.search));
  }
  if (req.query.role) add('role = ?', req.query.role);
  if (req.query.includeArchived !== 'true') where.push('is_archived IS NOT TRUE');
  res.json(await db.list(req, 'staff', where, params, 'last_name, first_name'));
}));

router.post('/', adminOnly, wrap(async (req, res) => {
  const { first_name, last_name } = req.body;
  if (!first_name || !last_name) {
    return res.status(400).json({ message: 'Missing required fields' });
  }
  const { rows } = await insertPerson('staff', req.body, COLUMNS);
  res.status(201).json(rows[0]);
}));

router.post('/bulk/archive', adminOnly, bulk('staff', true));
router.post('/bulk/restore', adminOnly, bulk('staff', false));
router.post('/import', adminOnly, importCsv('staff', COLUMNS));

async function sendStaff(res, id) {
  const { rows } = await db.query('SELECT * FROM staff WHERE id = $1', [id]);
  if (!rows[0]) return res.status(404).json({ message: 'Staff not found' });
  res.json(rows[0]);
}

router.get('/me', authenticate, wrap((req, res) => sendStaff(res, req.user.staffId)));

router.get('/:id', staffOnly, wrap((req, res) => sendStaff(res, parseInt(req.params.id))));

const change = wrap(async (req, res) => {
  const entries = [...db.pick(req.body, COLUMNS), ['updated_at', new Date()]];
  const { rows } = await db.update('staff', parseInt(req.params.id), entries);
  res.json(rows[0] || {});
});

router.put('/:id', adminOrOwnStaff, change);
router.patch('/:id', adminOrOwnStaff, change);

router.delete('/:id', adminOnly, wrap(async (req, res) => {
  await db.query('UPDATE staff SET is_archived = true WHERE id = $1', [parseInt(req.params.id)]);
  res.json({ message: 'Staff archived' });
}));

module.exports = router;
