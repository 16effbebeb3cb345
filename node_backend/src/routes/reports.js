'use strict';

const express = require('express');
const path = require('path');
const db = require('../db');
const { staffOnly } = require('../middleware/auth');
const { wrap } = require('../middleware/wrap');
const { start } = require('../reports');
const { UPLOAD_DIR } = require('../uploads');

const router = express.Router();

// A list as params is a 500: the driver makes a PostgreSQL array of it.
router.post('/', staffOnly, wrap(async (req, res) => {
  const { type, params } = req.body;
  if (!type) {
    return res.status(400).json({ message: 'Type is required' });
  }
  const { rows } = await db.insert('reports', [
    ['type', type], ['params', params], ['requested_by', req.user.id], ['created_at', new Date()],
  ]);
  start(rows[0]);
  res.status(202).json(rows[0]);
}));

router.get('/', staffOnly, wrap(async (req, res) => {
  res.json(await db.list(req, 'reports', [], [], 'created_at DESC'));
}));

async function findReport(req, res) {
  const { rows } = await db.query('SELECT * FROM reports WHERE id = $1', [req.params.id]);
  if (!rows[0]) res.status(404).json({ message: 'Report not found' });
  return rows[0];
}

router.get('/:id', staffOnly, wrap(async (req, res) => {
  const report = await findReport(req, res);
  if (report) res.json(report);
}));

function sendBytes(res, file) {
  if (file.url.startsWith('https://')) return res.redirect(file.url);
  res.attachment(file.filename);
  if (file.mime_type) res.type(file.mime_type);
  if (file.url.startsWith('data:')) {
    return res.send(Buffer.from(file.url.slice(file.url.indexOf(',') + 1), 'base64'));
  }
  // Both "/uploads/x" and the path on some machine: only the name counts. A file that is gone is an error like any.
  return res.sendFile(path.basename(file.url), { root: UPLOAD_DIR }, (err) => {
    if (err && !res.headersSent) {
      res.removeHeader('Content-Disposition');
      res.status(500).json({ message: err.message });
    }
  });
}

router.get('/:id/download', staffOnly, wrap(async (req, res) => {
  const report = await findReport(req, res);
  if (!report) return;
  if (report.status !== 'completed') {
    return res.status(409).json({ message: 'Report is not ready' });
  }
  const { rows } = await db.query('SELECT * FROM files WHERE id = $1', [report.file_id]);
  if (!rows[0]) return res.status(404).json({ message: 'File not found' });
  sendBytes(res, rows[0]);
}));

module.exports = router;
