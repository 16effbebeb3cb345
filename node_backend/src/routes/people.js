'use strict';

// What cadets and staff have in common: bulk archiving and the import of a spreadsheet.

const multer = require('multer');
const { parseCsv } = require('../csv');
const db = require('../db');
const { wrap } = require('../middleware/wrap');

const upload = multer({ storage: multer.memoryStorage() });

function insertPerson(table, values, columns) {
  const now = new Date();
  return db.insert(table, [...db.pick(values, columns), ['created_at', now], ['updated_at', now]]);
}

// One statement per row and no transaction: a bad id in the middle leaves the ones before it changed.
function bulk(table, archived) {
  return wrap(async (req, res) => {
    const { ids } = req.body;
    if (!Array.isArray(ids)) {
      return res.status(400).json({ message: 'ids is required' });
    }
    let updated = 0;
    for (const id of ids) {
      const result = await db.query(`UPDATE ${table} SET is_archived = $1 WHERE id = $2`, [archived, id]);
      updated += result.rowCount;
    }
    res.json({ updated });
  });
}

// No transaction here either: a bad row leaves the rows above it behind.
function importCsv(table, columns) {
  return [upload.single('file'), wrap(async (req, res) => {
    if (!req.file) {
      return res.status(400).json({ message: 'No file uploaded' });
    }
    let imported = 0;
    for (const row of parseCsv(req.file.buffer.toString('utf8'))) {
      await insertPerson(table, row, columns);
      imported += 1;
    }
    res.json({ imported });
  })];
}

module.exports = { insertPerson, bulk, importCsv };
