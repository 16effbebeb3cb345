'use strict';

const { randomBytes } = require('crypto');
const fs = require('fs');
const path = require('path');
const multer = require('multer');

const UPLOAD_DIR = path.resolve(process.env.UPLOAD_DIR || path.join(__dirname, '..', 'uploads'));
const MAX_BYTES = 10 * 1024 * 1024;

fs.mkdirSync(UPLOAD_DIR, { recursive: true });

function newName(original) {
  return `${Date.now()}-${randomBytes(4).toString('hex')}${path.extname(original)}`;
}

// multer reads the name that the client gave its file as Latin-1, so anything beyond ASCII is stored garbled.
// The bytes are on disk before the handler runs, and nobody removes them when it fails.
const toDisk = multer({
  storage: multer.diskStorage({
    destination: UPLOAD_DIR,
    filename: (req, file, done) => done(null, newName(file.originalname)),
  }),
  limits: { fileSize: MAX_BYTES },
});

function urlOf(file) {
  return `/uploads/${file.filename}`;
}

// A form cannot say NULL, so an empty field means it. JSON is left as it is.
function fieldsOf(req) {
  if (!req.is('multipart/form-data')) return req.body;
  return Object.fromEntries(Object.entries(req.body).map(([name, value]) => [name, value === '' ? null : value]));
}

// In a form a boolean is a word. Only this one is true.
function isTrue(value) {
  return value === true || value === 'true';
}

module.exports = { UPLOAD_DIR, newName, toDisk, urlOf, fieldsOf, isTrue };
