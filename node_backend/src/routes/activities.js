'use strict';

const express = require('express');
const db = require('../db');
const { authenticate, staffOnly } = require('../middleware/auth');
const { wrap } = require('../middleware/wrap');
const { publishUpdate } = require('../realtime/hub');
const { toDisk, urlOf, fieldsOf, isTrue } = require('../uploads');
const { conditions, containing } = require('../where');

const router = express.Router();

const COLUMNS = ['title', 'description', 'date', 'location', 'type'];
const images = toDisk.array('images', 10);

// `date` is text, so "August 3, 2024" sorts after every 2024-08-03; equal ones come as the database finds them.
router.get('/', authenticate, wrap(async (req, res) => {
  const { where, params, add } = conditions();
  if (req.query.type) add('type = ?', req.query.type);
  if (req.query.search) add('title LIKE ?', containing(req.query.search));
  res.json(await db.list(req, 'activities', where, params, 'date DESC'));
}));

// The column is a text with a JSON array in it. Files are named by us, URLs in JSON are taken as they come.
function imagesOf(req, before) {
  if (req.files) {
    return JSON.stringify([...before, ...req.files.map(urlOf)]);
  }
  return req.body.images === null ? null : JSON.stringify(req.body.images);
}

router.post('/', staffOnly, images, wrap(async (req, res) => {
  const body = fieldsOf(req);
  if (!body.title) {
    return res.status(400).json({ message: 'Title is required' });
  }
  const given = req.files ? req.files.length > 0 : body.images !== undefined;
  const now = new Date();
  const { rows } = await db.insert('activities', [
    ...db.pick({ ...body, type: body.type || 'activity' }, COLUMNS),
    ['images', given ? imagesOf(req, []) : null],
    ['created_by', req.user.id], ['created_at', now], ['updated_at', now],
  ]);
  publishUpdate('activities', 'created', rows[0].id);
  res.json(rows[0]);
}));

router.get('/:id', authenticate, wrap(async (req, res) => {
  const id = parseInt(req.params.id);
  const { rows } = await db.query('SELECT * FROM activities WHERE id = $1', [id]);
  if (!rows[0]) return res.status(404).json({ message: 'Activity not found' });
  const participants = await db.query(
    `SELECT c.id, c.first_name, c.last_name, c.company
     FROM activity_cadets p JOIN cadets c ON c.id = p.cadet_id WHERE p.activity_id = $1`,
    [id],
  );
  res.json({ ...rows[0], participants: participants.rows });
}));

// The images of the row as they are, unless they are to be replaced. Read, then written: a change in between is lost.
async function storedImages(id, replace) {
  if (replace) return [];
  const { rows } = await db.query('SELECT images FROM activities WHERE id = $1', [id]);
  return JSON.parse((rows[0] && rows[0].images) || '[]');
}

router.put('/:id', staffOnly, images, wrap(async (req, res) => {
  const id = parseInt(req.params.id);
  const body = fieldsOf(req);
  const entries = [...db.pick(body, COLUMNS), ['updated_at', new Date()]];
  const replace = isTrue(body.replace_images);
  if (req.files ? req.files.length > 0 || replace : body.images !== undefined) {
    entries.push(['images', imagesOf(req, req.files ? await storedImages(id, replace) : [])]);
  }
  const { rows } = await db.update('activities', id, entries);
  if (rows[0]) publishUpdate('activities', 'updated', id);
  res.json(rows[0] || {});
}));

router.delete('/:id', staffOnly, wrap(async (req, res) => {
  const id = parseInt(req.params.id);
  await db.query('DELETE FROM activities WHERE id = $1', [id]);
  publishUpdate('activities', 'deleted', id);
  res.json({ message: 'Activity deleted' });
}));

// One statement per cadet and no transaction: an unknown one leaves those before it added.
router.post('/:id/participants', staffOnly, wrap(async (req, res) => {
  const id = parseInt(req.params.id);
  const { cadet_ids } = req.body;
  if (!Array.isArray(cadet_ids)) {
    return res.status(400).json({ message: 'cadet_ids is required' });
  }
  let added = 0;
  for (const cadet of cadet_ids) {
    const result = await db.query(
      'INSERT INTO activity_cadets (activity_id, cadet_id) VALUES ($1, $2) ON CONFLICT DO NOTHING', [id, cadet],
    );
    added += result.rowCount;
  }
  publishUpdate('activities', 'updated', id);
  res.json({ added });
}));

router.delete('/:id/participants/:cadetId', staffOnly, wrap(async (req, res) => {
  const id = parseInt(req.params.id);
  await db.query(
    'DELETE FROM activity_cadets WHERE activity_id = $1 AND cadet_id = $2', [id, parseInt(req.params.cadetId)],
  );
  publishUpdate('activities', 'updated', id);
  res.json({ message: 'Participant removed' });
}));

module.exports = router;
