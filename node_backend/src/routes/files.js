'use strict';

const express = require('express');
const fs = require('fs');
const db = require('../db');
const { authenticate, isStaff } = require('../middleware/auth');
const { wrap } = require('../middleware/wrap');
const { toDisk, urlOf, isTrue } = require('../uploads');
const { conditions } = require('../where');

const router = express.Router();

const mayTouch = (req, row) => isStaff(req) || row.owner_id === req.user.id;

// The bytes become the URL itself. For small pictures, before there was a place for files.
async function embed(file) {
  const bytes = await fs.promises.readFile(file.path);
  await fs.promises.unlink(file.path);
  return `data:${file.mimetype};base64,${bytes.toString('base64')}`;
}

// The driver turns a list into a PostgreSQL array, which is no JSON: such metadata is a 500, and the bytes stay.
router.post('/upload', authenticate, toDisk.single('file'), wrap(async (req, res) => {
  const { file, body } = req;
  if (!file) {
    return res.status(400).json({ message: 'No file uploaded' });
  }
  const { rows } = await db.insert('files', [
    ['owner_id', req.user.id], ['filename', file.originalname],
    ['url', isTrue(body.embed) ? await embed(file) : urlOf(file)],
    ['mime_type', file.mimetype], ['size', file.size],
    ['metadata', body.metadata ? JSON.parse(body.metadata) : null], ['created_at', new Date()],
  ]);
  res.json(rows[0]);
}));

router.get('/', authenticate, wrap(async (req, res) => {
  const { where, params, add } = conditions();
  if (!isStaff(req)) add('owner_id = ?', req.user.id);
  res.json(await db.list(req, 'files', where, params, 'created_at DESC'));
}));

async function findFile(id) {
  const { rows } = await db.query('SELECT * FROM files WHERE id = $1', [id]);
  return rows[0];
}

router.get('/:id', authenticate, wrap(async (req, res) => {
  const row = await findFile(req.params.id);
  if (!row) return res.status(404).json({ message: 'File not found' });
  if (!mayTouch(req, row)) return res.status(403).json({ message: 'Access denied' });
  res.json(row);
}));

// The row goes, the bytes stay.
router.delete('/:id', authenticate, wrap(async (req, res) => {
  const row = await findFile(req.params.id);
  if (row && !mayTouch(req, row)) return res.status(403).json({ message: 'Access denied' });
  await db.query('DELETE FROM files WHERE id = $1', [req.params.id]);
  res.json({ message: 'File deleted' });
}));

module.exports = router;
