'use strict';

const assert = require('node:assert/strict');
const { after, before, beforeEach, test } = require('node:test');
const { startBackend, token, add, addCadet, message } = require('./harness');

let backend, db, api, day, who;
const staff = token({ role: 'training_staff' });
const self = () => token({ role: 'cadet', cadetId: who });
const post = (path, body) => api('POST', `/attendance/${path}`, { token: staff, body });
const marks = async () => (await db.query('SELECT * FROM attendance ORDER BY id')).rows;

before(async () => {
  backend = await startBackend();
  ({ db, api } = backend);
});
beforeEach(async () => {
  await db.query('TRUNCATE training_days, cadets, staff CASCADE');
  day = await add(db, 'training_days', { date: '2024-08-03', title: 'Drill' });
  who = await addCadet(db, { student_id: '20-1', company: 'Alpha', platoon: '1st' });
});
after(() => backend?.stop());

test('a training day takes any text for a date, and a date twice', async () => {
  for (const date of ['2024-08-03', 'next Saturday']) {
    const { status, body } = await post('days', { date, title: 'x' });
    assert.deepEqual([status, body.date, body.description], [200, date, null]);
  }
  assert.deepEqual(message(await post('days', { date: 'x' })), [400, 'Date and title are required']);
  const { body } = await api('GET', '/attendance/days', { token: self() });
  const dates = body.data.map((row) => row.date);
  assert.deepEqual([body.total, dates], ['3', ['next Saturday', '2024-08-03', '2024-08-03']]);
});

test('a training day is changed in part, and of a missing one the answer is an empty object', async () => {
  const put = (id, body) => api('PUT', `/attendance/days/${id}`, { token: staff, body });
  assert.equal((await put(day, { description: 'canteen' })).body.title, 'Drill');
  assert.equal((await put(day, {})).body.description, 'canteen');
  const answer = await put(999999, { title: 'x' });
  assert.deepEqual([answer.status, answer.text], [200, '{}']);
  assert.deepEqual(message(await api('GET', '/attendance/days/999999', { token: staff })),
    [404, 'Training day not found']);
});

test('deleting a training day takes its marks along', async () => {
  await post('mark', { trainingDayId: day, cadetId: who, status: 'present' });
  assert.deepEqual(message(await api('DELETE', `/attendance/days/${day}`, { token: staff })),
    [200, 'Training day deleted']);
  assert.deepEqual(await marks(), []);
  assert.equal((await api('DELETE', `/attendance/days/${day}`, { token: staff })).status, 200);
});

test('a second mark overwrites the first one and keeps its id and its time', async () => {
  const first = await post('mark', { trainingDayId: day, cadetId: who, status: 'present', timeIn: '7:55:10 AM' });
  assert.deepEqual([first.status, first.body.time_in], [200, '7:55:10 AM']);
  const second = await post('mark', { trainingDayId: day, cadetId: who, status: 'late', remarks: 'flat tyre' });
  assert.deepEqual(second.body, { ...first.body, status: 'late', remarks: 'flat tyre', time_in: null });
  assert.equal((await marks()).length, 1);
});

test('a mark that the database refuses is a 500 with its text', async () => {
  assert.match((await post('mark', { trainingDayId: day, cadetId: who, status: 'asleep' })).body.message,
    /violates check constraint "attendance_status_check"/);
  assert.match((await post('mark', { trainingDayId: 999999, cadetId: who, status: 'late' })).body.message,
    /violates foreign key constraint/);
  assert.deepEqual(message(await post('mark', { trainingDayId: day, cadetId: who })), [400, 'Missing required fields']);
  const snake = { training_day_id: day, cadet_id: who, status: 'late' };
  assert.deepEqual(message(await post('mark', snake)), [400, 'Missing required fields']);
});

test('marking many stops at the first bad one and keeps those before it', async () => {
  const other = await addCadet(db);
  const records = [{ cadetId: who, status: 'present' }, { cadetId: 999999, status: 'late' },
    { cadetId: other, status: 'present' }];
  assert.equal((await post('mark/bulk', { trainingDayId: day, records })).status, 500);
  assert.deepEqual((await marks()).map((row) => row.cadet_id), [who]);
  records[1].cadetId = other;
  assert.deepEqual((await post('mark/bulk', { trainingDayId: day, records })).body, { marked: 3 });
  assert.deepEqual((await marks()).map((row) => row.status), ['present', 'present']);
  assert.deepEqual(message(await post('mark/bulk', { trainingDayId: day })), [400, 'records is required']);
});

test('the first scan is the time in, every later one the time out', async () => {
  const scan = (qrData) => post('scan', { trainingDayId: day, qrData });
  const first = await scan('20-1');
  assert.deepEqual([first.status, first.body.message], [200, 'Time in recorded']);
  assert.deepEqual(first.body.cadet, { id: who, student_id: '20-1', first_name: 'Juan', last_name: 'Cruz' });
  const { status, remarks, time_in: timeIn, time_out: none } = first.body.attendance;
  assert.deepEqual([status, remarks, none], ['present', 'QR scan', null]);
  assert.match(timeIn, /^\d{1,2}:\d\d:\d\d [AP]M$/);
  const second = await scan('{"student_id": "20-1"}');
  assert.equal(second.body.message, 'Time out recorded');
  assert.match(second.body.attendance.time_out, /^\d{1,2}:\d\d:\d\d [AP]M$/);
  assert.equal(second.body.attendance.id, first.body.attendance.id);
  assert.equal((await scan('20-1')).body.message, 'Time out recorded');
});

test('a scan after a mark without a time makes it present', async () => {
  const { body } = await post('mark', { trainingDayId: day, cadetId: who, status: 'absent', remarks: 'not here' });
  const scanned = await post('scan', { trainingDayId: day, qrData: '20-1' });
  assert.equal(scanned.body.message, 'Time in recorded');
  const { id, status, remarks } = scanned.body.attendance;
  assert.deepEqual([id, status, remarks], [body.id, 'present', 'QR scan']);
});

test('a code of nobody is a 404, no code a 400 and a broken one a 500', async () => {
  const scan = (qrData) => post('scan', { trainingDayId: day, qrData });
  assert.deepEqual(message(await scan('20-9')), [404, 'Cadet not found']);
  assert.deepEqual(message(await scan('')), [400, 'Training day and QR code are required']);
  assert.match((await scan('{"student_id')).body.message, /JSON/);
});

test('the records of a day hold every cadet who is not archived, marked or not, in no order', async () => {
  const other = await addCadet(db, { company: 'Bravo' });
  await addCadet(db, { is_archived: true });
  await post('mark', { trainingDayId: day, cadetId: who, status: 'late', timeIn: '8:10:00 AM' });
  const records = async (query = '', id = day) =>
    (await api('GET', `/attendance/days/${id}/records${query}`, { token: staff })).body;
  const all = (await records()).sort((a, b) => a.cadet_id - b.cadet_id);
  assert.deepEqual(all.map((row) => [row.cadet_id, row.status, row.time_in]),
    [[who, 'late', '8:10:00 AM'], [other, null, null]]);
  assert.deepEqual(Object.keys(all[0]), ['cadet_id', 'student_id', 'first_name', 'last_name', 'company', 'platoon',
    'attendance_id', 'status', 'remarks', 'time_in', 'time_out']);
  assert.deepEqual((await records('?company=Alpha&platoon=1st')).map((row) => row.cadet_id), [who]);
  assert.deepEqual(await records('?company=alpha'), []);
  assert.deepEqual((await records('', 999999)).map((row) => row.attendance_id), [null, null]);
});

test('staff is marked in a table of its own', async () => {
  const member = await add(db, 'staff', { first_name: 'A', last_name: 'B' });
  const answer = await post('staff/mark', { trainingDayId: day, staffId: member, status: 'present' });
  assert.deepEqual([answer.status, answer.body.staff_id], [200, member]);
  assert.equal((await post('staff/mark', { trainingDayId: day, staffId: member, status: 'late' })).body.status, 'late');
  assert.equal(await db.value('SELECT count(*) FROM staff_attendance'), '1');
  assert.deepEqual(message(await post('staff/mark', { staffId: member })), [400, 'Missing required fields']);
});

test('my history is paged, newest day first, and a 404 for a user without a cadet', async () => {
  const later = await add(db, 'training_days', { date: '2024-08-10', title: 'Map reading' });
  for (const id of [day, later]) await post('mark', { trainingDayId: id, cadetId: who, status: 'present' });
  const { body } = await api('GET', '/attendance/my-history?limit=1', { token: self() });
  assert.deepEqual([body.page, body.limit, body.total], [1, 1, '2']);
  const { title, date, training_day_id: id, cadet_id: cadet } = body.data[0];
  assert.deepEqual([title, date, id, cadet], ['Map reading', '2024-08-10', later, who]);
  assert.deepEqual(message(await api('GET', '/attendance/my-history', { token: staff })), [404, 'Cadet not found']);
});

test('a cadet marks nobody', async () => {
  const denied = [['POST', 'mark'], ['POST', 'mark/bulk'], ['POST', 'scan'], ['POST', 'staff/mark'], ['POST', 'days'],
    ['PUT', `days/${day}`], ['DELETE', `days/${day}`], ['GET', `days/${day}/records`]];
  for (const [method, path] of denied) {
    const answer = await api(method, `/attendance/${path}`, { token: self() });
    assert.deepEqual(message(answer), [403, 'Access denied'], `${method} ${path}`);
  }
});
