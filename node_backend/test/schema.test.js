'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { migrate } = require('../db/migrate');
const { createDatabase, addCadet, addUser } = require('./harness');

let db;
before(async () => {
  db = await createDatabase();
  await migrate(db.url);
});
after(() => db?.drop());

const TABLES = [
  'activities', 'activity_cadets', 'attendance', 'audit_logs', 'cadets', 'excuse_letters', 'files', 'grade_categories',
  'grades', 'merit_demerit_logs', 'messages', 'notifications', 'push_subscriptions', 'reports', 'settings', 'staff',
  'staff_attendance', 'training_days', 'user_settings', 'users',
];

async function column(table, name) {
  const { rows } = await db.query(
    `SELECT data_type, is_nullable, column_default, numeric_precision, numeric_scale
     FROM information_schema.columns WHERE table_name = $1 AND column_name = $2`,
    [table, name],
  );
  return rows[0];
}

async function foreignKeys() {
  const { rows } = await db.query(
    `SELECT conrelid::regclass || '.' || a.attname || ' > ' || confrelid::regclass || ' ' || confdeltype::text AS fk
     FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1]
     WHERE contype = 'f' ORDER BY 1`,
  );
  return rows.map((row) => row.fk);
}

test('there are nineteen tables and one join table', async () => {
  const { rows } = await db.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1");
  assert.deepEqual(rows.map((row) => row.tablename), TABLES);
});

test('migrating again changes nothing and keeps the rows', async () => {
  const id = await addCadet(db, { last_name: 'Kept' });
  await migrate(db.url);
  assert.equal(await db.value('SELECT last_name FROM cadets WHERE id = $1', [id]), 'Kept');
});

test('columns have the odd types that the legacy system gave them', async () => {
  const types = {
    'users.is_approved': 'integer',
    'cadets.year_level': 'text',
    'cadets.birthdate': 'date',
    'staff.birthdate': 'text',
    'training_days.date': 'text',
    'attendance.time_in': 'text',
    'activities.images': 'text',
    'files.id': 'uuid',
    'files.size': 'bigint',
    'files.metadata': 'jsonb',
    'reports.params': 'json',
    'push_subscriptions.keys': 'text',
    'audit_logs.id': 'bigint',
    'audit_logs.payload': 'jsonb',
    'settings.value': 'text',
    'merit_demerit_logs.points': 'integer',
  };
  for (const [where, type] of Object.entries(types)) {
    assert.equal((await column(...where.split('.'))).data_type, type, where);
  }
});

test('every timestamp is without a time zone', async () => {
  const { rows } = await db.query(
    "SELECT DISTINCT data_type FROM information_schema.columns WHERE column_name ~ '_at$|last_seen|date_recorded'",
  );
  assert.deepEqual(rows.map((row) => row.data_type).filter((type) => type.startsWith('timestamp')),
    ['timestamp without time zone']);
});

test('only users.created_at and merit_demerit_logs.date_recorded default to the time of the database', async () => {
  const { rows } = await db.query(
    `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND column_default = 'now()' ORDER BY 1`,
  );
  assert.deepEqual(rows.map((row) => row.name), ['merit_demerit_logs.date_recorded', 'users.created_at']);
});

test('scores and weights have two decimals', async () => {
  const weight = await column('grade_categories', 'weight');
  const score = await column('grades', 'score');
  assert.deepEqual([weight.numeric_precision, weight.numeric_scale], [5, 2]);
  assert.deepEqual([score.numeric_precision, score.numeric_scale], [6, 2]);
});

test('foreign keys cascade (c), set null (n) or refuse (a) as documented', async () => {
  assert.deepEqual(await foreignKeys(), [
    'activities.created_by > users n', 'activity_cadets.activity_id > activities c',
    'activity_cadets.cadet_id > cadets c', 'attendance.cadet_id > cadets c',
    'attendance.training_day_id > training_days c', 'excuse_letters.cadet_id > cadets c',
    'excuse_letters.training_day_id > training_days c', 'files.owner_id > users n', 'grades.cadet_id > cadets c',
    'grades.category_id > grade_categories a', 'grades.graded_by > users n', 'merit_demerit_logs.cadet_id > cadets c',
    'merit_demerit_logs.issued_by > users n', 'messages.recipient_id > users n', 'messages.sender_id > users n',
    'notifications.user_id > users n', 'reports.file_id > files n', 'reports.requested_by > users n',
    'staff_attendance.staff_id > staff c', 'staff_attendance.training_day_id > training_days c',
    'user_settings.user_id > users c', 'users.cadet_id > cadets c', 'users.staff_id > staff c',
  ]);
});

test('user_settings has no id: the user is the key', async () => {
  assert.equal(await column('user_settings', 'id'), undefined);
});

test('many users may share the empty e-mail address, and addresses differ by case', async () => {
  await addUser(db, { username: 'e1', email: '' });
  await addUser(db, { username: 'e2', email: '' });
  await addUser(db, { username: 'e3', email: null });
  await addUser(db, { username: 'E1', email: 'A@x' });
  assert.equal(await db.value("SELECT count(*) FROM users WHERE email = ''"), '2');
});

test('a role or an attendance status outside its list is refused', async () => {
  await assert.rejects(addUser(db, { username: 'r', role: 'janitor' }), /users_role_check/);
  const day = await db.value("INSERT INTO training_days (date, title) VALUES ('no date', 'x') RETURNING id");
  const cadet = await addCadet(db);
  const mark = (status) => db.query(
    'INSERT INTO attendance (training_day_id, cadet_id, status) VALUES ($1, $2, $3)', [day, cadet, status],
  );
  await assert.rejects(mark('asleep'), /attendance_status_check/);
  await mark('present');
  await assert.rejects(mark('late'), /duplicate key/);
});

test('a push subscription outlives its user', async () => {
  await db.query("INSERT INTO push_subscriptions (user_id, endpoint, keys) VALUES (987654, 'https://push', '{}')");
});

test('a trigger audits every change of a merit log', async () => {
  const cadet = await addCadet(db);
  const log = await db.value(
    "INSERT INTO merit_demerit_logs (cadet_id, type, points) VALUES ($1, 'merit', -5) RETURNING id", [cadet],
  );
  await db.query('UPDATE merit_demerit_logs SET points = 7 WHERE id = $1', [log]);
  await db.query('DELETE FROM merit_demerit_logs WHERE id = $1', [log]);
  const { rows } = await db.query('SELECT operation, record_id, payload FROM audit_logs ORDER BY id');
  assert.deepEqual(rows.map((row) => [row.operation, row.record_id, row.payload.points]),
    [['INSERT', `${log}`, -5], ['UPDATE', `${log}`, 7], ['DELETE', `${log}`, 7]]);
});
