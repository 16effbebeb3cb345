'use strict';

const db = require('./db');

const TABLES = { cadet_id: 'attendance', staff_id: 'staff_attendance' };

// One mark for each day and person. Who writes decides how created_at is told, and so by whose clock it is: a Date by
// that of this process, an ISO string by UTC, the word 'now' by the session of the database.
function mark(day, who, id, { status, remarks, timeIn, timeOut }, createdAt) {
  return db.upsert(
    TABLES[who],
    [['training_day_id', day], [who, id]],
    [['status', status], ['remarks', remarks], ['time_in', timeIn], ['time_out', timeOut]],
    [['created_at', createdAt]],
  );
}

// 7:55:10 AM, on the clock of the process. Some versions of Node put a narrow space before AM.
function clock(date) {
  return date.toLocaleTimeString('en-US').replace(/\s/, ' ');
}

// The code on an ID card: the student id alone, or on newer cards an object with it.
function studentIdOf(qrData) {
  const text = String(qrData);
  return text.startsWith('{') ? JSON.parse(text).student_id : text;
}

async function findMark(day, cadet) {
  const { rows } = await db.query(
    'SELECT * FROM attendance WHERE training_day_id = $1 AND cadet_id = $2', [day, cadet],
  );
  return rows[0];
}

// Read and then written: of two first scans at the same time one is a duplicate key.
async function scan(day, cadet) {
  const now = new Date();
  const before = await findMark(day, cadet);
  const arrival = [['status', 'present'], ['time_in', clock(now)], ['remarks', 'QR scan']];
  if (!before) {
    const entries = [['training_day_id', day], ['cadet_id', cadet], ...arrival, ['created_at', now.toISOString()]];
    return { message: 'Time in recorded', row: (await db.insert('attendance', entries)).rows[0] };
  }
  if (!before.time_in) {
    return { message: 'Time in recorded', row: (await db.update('attendance', before.id, arrival)).rows[0] };
  }
  const { rows } = await db.update('attendance', before.id, [['time_out', clock(now)]]);
  return { message: 'Time out recorded', row: rows[0] };
}

module.exports = { mark, scan, studentIdOf };
