'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { startBackend, token, add, addCadet, addUser } = require('./harness');
const { connect } = require('./sockets');

// The process runs where the office laptop stands, the database in a zone of its own.
const MANILA = 8;
const UTC = 0;
const BOGOTA = -5;

let backend, db, api, id, staff, day;

before(async () => {
  backend = await startBackend({ TZ: 'Asia/Manila' });
  ({ db, api } = backend);
  await db.query(`ALTER DATABASE ${await db.value('SELECT current_database()')} SET timezone TO 'America/Bogota'`);
  id = await addUser(db);
  staff = token({ id });
  day = await add(db, 'training_days', { date: 'x', title: 'x' });
});
after(() => backend?.stop());

const post = async (path, body) => {
  const answer = await api('POST', path, { token: staff, body });
  assert.ok(answer.status < 300, answer.text);
  return answer.body;
};

// Whose clock a stored time was read from, in hours from UTC.
async function zoneOf(table, column, where) {
  const text = await db.value(`SELECT ${column}::text FROM ${table} WHERE ${where}`);
  // + 0, because a little less than nothing is rounded to -0.
  return Math.round((Date.parse(`${text.replace(' ', 'T')}Z`) - Date.now()) / 3600000) + 0;
}

test('one column of attendance holds three zones: a mark, a scan and a mark of many', async () => {
  const ids = [];
  for (const student of ['Z1', 'Z2', 'Z3']) ids.push(await addCadet(db, { student_id: student }));
  await post('/attendance/mark', { trainingDayId: day, cadetId: ids[0], status: 'present' });
  await post('/attendance/scan', { trainingDayId: day, qrData: 'Z2' });
  await post('/attendance/mark/bulk', { trainingDayId: day, records: [{ cadetId: ids[2], status: 'present' }] });
  const zones = await Promise.all(ids.map((cadet) => zoneOf('attendance', 'created_at', `cadet_id = ${cadet}`)));
  assert.deepEqual(zones, [MANILA, UTC, BOGOTA]);
});

test('the times of a scan are read off the clock of the process', async () => {
  await addCadet(db, { student_id: 'Z4' });
  const { attendance } = await post('/attendance/scan', { trainingDayId: day, qrData: 'Z4' });
  const [, hour, , half] = /^(\d+):(\d\d):\d\d ([AP]M)$/.exec(attendance.time_in);
  const hours = [0, 1].map((ago) => new Date(Date.now() + MANILA * 3600000 - ago * 60000).getUTCHours());
  assert.ok(hours.includes((Number(hour) % 12) + (half === 'PM' ? 12 : 0)), attendance.time_in);
});

test('a grade is dated by the process alone and by UTC among many', async () => {
  const category = await add(db, 'grade_categories', { name: 'x', weight: 1 });
  const [one, many] = [await addCadet(db), await addCadet(db)];
  await post('/grading/grades', { cadetId: one, categoryId: category, score: 1 });
  await post('/grading/grades/bulk', { categoryId: category, grades: [{ cadetId: many, score: 1 }] });
  assert.equal(await zoneOf('grades', 'created_at', `cadet_id = ${one}`), MANILA);
  assert.equal(await zoneOf('grades', 'created_at', `cadet_id = ${many}`), UTC);
});

test('a message is dated by the process over HTTP and by UTC over the WebSocket', async () => {
  await post('/messaging/rooms/zones/messages', { content: 'http' });
  const client = await connect(backend.port, '/ws/chat/zones/', staff);
  client.say({ type: 'message', data: { content: 'socket' } });
  await client.next();
  await client.close();
  assert.equal(await zoneOf('messages', 'created_at', "content = 'http'"), MANILA);
  assert.equal(await zoneOf('messages', 'created_at', "content = 'socket'"), UTC);
});

test('a merit, its audit row and a notification are dated by the session of the database', async () => {
  await post('/grading/merit-logs', { cadetId: await addCadet(db), type: 'merit', points: 1 });
  await post('/messaging/broadcast', { message: 'x' });
  assert.equal(await zoneOf('merit_demerit_logs', 'date_recorded', 'true'), BOGOTA);
  assert.equal(await zoneOf('audit_logs', 'created_at', 'true'), BOGOTA);
  assert.equal(await zoneOf('notifications', 'created_at', "type = 'system'"), BOGOTA);
});

test('the day of absence in a letter is the day before in UTC', async () => {
  const body = { cadetId: await addCadet(db), dateAbsent: '2024-08-03' };
  const row = await post('/attendance/excuse-letters', body);
  assert.equal(row.date_absent, '2024-08-02T16:00:00.000Z');
});
