'use strict';

const express = require('express');
const db = require('../db');
const { authenticate, adminOnly, staffOnly, staffOrSelf } = require('../middleware/auth');
const { wrap } = require('../middleware/wrap');
const { conditions, containing } = require('../where');
const { insertPerson, bulk, importCsv } = require('./people');

const router = express.Router();

// What a client may write: all columns but id and the two timestamps.
const COLUMNS = [
  'rank', 'first_name', 'middle_name', 'last_name', 'suffix_name', 'email', 'contact_number', 'address', 'course',
  'year_level', 'school_year', 'battalion', 'company', 'platoon', 'cadet_course', 'semester', 'corp_position', 'gender',
  'religion', 'birthdate', 'status', 'student_id', 'profile_pic', 'is_profile_completed', 'is_archived',
];

function filters(query) {
  const { where, params, add } = conditions();
  if (query.search) {
    add('(first_name LIKE ? OR last_name LIKE ? OR student_id LIKE ?)', containing(query.search));
  }
  if (query.company) add('company = ?', query.company);
  if (query.course) add('course = ?', query.course);
  // NULL counts as not archived: the column came late and old rows were never filled.
  if (query.includeArchived !== 'true') where.push('is_archived IS NOT TRUE');
  return { where, params };
}

router.get('/', staffOnly, wrap(async (req, res) => {
  const { where, params } = filters(req.query);
  res.json(await db.list(req, 'cadets', where, params, 'last_name, first_name, id'));
}));

router.post('/', staffOnly, wrap(async (req, res) => {
  const { first_name, last_name, student_id } = req.body;
  if (!first_name || !last_name || !student_id) {
    return res.status(400).json({ message: 'Missing required fields' });
  }
  const { rows } = await insertPerson('cadets', req.body, COLUMNS);
  res.status(201).json(rows[0]);
}));

router.post('/bulk/archive', staffOnly, bulk('cadets', true));
router.post('/bulk/restore', staffOnly, bulk('cadets', false));
router.post('/import', adminOnly, importCsv('cadets', COLUMNS));

async function sendCadet(res, id) {
  const { rows } = await db.query('SELECT * FROM cadets WHERE id = $1', [id]);
  if (!rows[0]) return res.status(404).json({ message: 'Cadet not found' });
  res.json(rows[0]);
}

// Before /:id, or "me" would be taken for an id.
router.get('/me', authenticate, wrap((req, res) => sendCadet(res, req.user.cadetId)));

router.get('/:id', staffOrSelf, wrap((req, res) => sendCadet(res, parseInt(req.params.id))));

// Nobody checks that the row exists: without one the answer is 200 and an empty object.
const change = wrap(async (req, res) => {
  const entries = [...db.pick(req.body, COLUMNS), ['updated_at', new Date()]];
  const { rows } = await db.update('cadets', parseInt(req.params.id), entries);
  res.json(rows[0] || {});
});

router.put('/:id', staffOrSelf, change);
router.patch('/:id', staffOrSelf, change);

router.delete('/:id', adminOnly, wrap(async (req, res) => {
  await db.query('UPDATE cadets SET is_archived = true WHERE id = $1', [parseInt(req.params.id)]);
  res.json({ message: 'Cadet archived' });
}));

module.exports = router;
