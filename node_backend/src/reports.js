'use strict';

const fs = require('fs');
const path = require('path');
const { toCsv } = require('./csv');
const db = require('./db');
const { STANDING, grade } = require('./grades');
const { notify } = require('./notify');
const { toPdf } = require('./pdf');
const { UPLOAD_DIR, newName } = require('./uploads');

const WHO = ['student_id', 'last_name', 'first_name', 'company'];
const MARKS = ['present', 'late', 'absent', 'excused'];
const GRADE_FIELDS = ['attendanceScore', 'aptitudeScore', 'subjectScore', 'finalGrade', 'transmutedGrade'];

// Type of the report → its own columns and what stands in them.
const TYPES = {
  grades: {
    columns: ['attendance', 'aptitude', 'subject', 'final', 'transmuted'],
    cells: (row) => { const result = grade(row); return GRADE_FIELDS.map((field) => result[field]); },
  },
  attendance: { columns: MARKS, cells: (row) => MARKS.map((name) => row[name]) },
  merits: {
    columns: ['merits', 'demerits', 'aptitude'],
    cells: (row) => [row.merits, row.demerits, grade(row).aptitudeScore],
  },
};

const MIME = { csv: 'text/csv', pdf: 'application/pdf' };

function formatOf(params) {
  return params && params.format === 'pdf' ? 'pdf' : 'csv';
}

async function gather(type, params) {
  const company = params && params.company;
  const { rows } = await db.query(
    `${STANDING} c.is_archived IS NOT TRUE AND ($1::text IS NULL OR c.company = $1)
     ORDER BY c.last_name, c.first_name, c.id`,
    [company || null],
  );
  const { columns, cells } = TYPES[type];
  return [[...WHO, ...columns], ...rows.map((row) => [...WHO.map((name) => row[name]), ...cells(row)])];
}

// Where the file is on this very machine goes into the row as its URL.
async function writeFile(report) {
  const format = formatOf(report.params);
  const lines = await gather(report.type, report.params);
  const bytes = format === 'pdf' ? toPdf(lines.map((line) => line.join('  '))) : Buffer.from(toCsv(lines));
  const filename = `${report.type}-report.${format}`;
  const url = path.join(UPLOAD_DIR, newName(filename));
  await fs.promises.writeFile(url, bytes);
  const { rows } = await db.insert('files', [
    ['owner_id', report.requested_by], ['filename', filename], ['url', url], ['mime_type', MIME[format]],
    ['size', bytes.length], ['created_at', new Date()],
  ]);
  return rows[0];
}

async function run(report) {
  const file = await writeFile(report);
  await db.update('reports', report.id, [
    ['status', 'completed'], ['file_id', file.id], ['completed_at', new Date()],
  ]);
  await notify(report.requested_by, 'report', `Report ready: ${report.type}`);
}

// Nobody waits for it and nothing remembers it: if the process ends first, the report is pending for ever.
function start(report) {
  run(report).catch(async (err) => {
    console.error(`report ${report.id}: ${err.message}`);
    await db.update('reports', report.id, [['status', 'failed']]);
  }).catch((err) => console.error(`report ${report.id}: ${err.message}`));
}

module.exports = { start, formatOf, MIME };
