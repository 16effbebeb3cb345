'use strict';

const assert = require('node:assert/strict');
const { after, before, beforeEach, test } = require('node:test');
const { startBackend, token, add, addCadet, addUser, message } = require('./harness');

let backend, db, api, staff, grader, subject, who;
const admin = token({ role: 'admin' });
const self = () => token({ role: 'cadet', cadetId: who });
const post = (path, body) => api('POST', `/grading/${path}`, { token: staff, body });
const grades = async () => (await db.query('SELECT * FROM grades ORDER BY id')).rows;

before(async () => {
  backend = await startBackend();
  ({ db, api } = backend);
});
beforeEach(async () => {
  await db.query('TRUNCATE cadets, users, grade_categories, training_days, notifications CASCADE');
  grader = await addUser(db, { role: 'training_staff' });
  staff = token({ id: grader, role: 'training_staff' });
  subject = await add(db, 'grade_categories', { name: 'Subject proficiency', weight: 40 });
  who = await addCadet(db);
});
after(() => backend?.stop());

test('categories are a plain array without order, and a weight is a string', async () => {
  const made = await api('POST', '/grading/categories', { token: admin, body: { name: 'Aptitude', weight: 30.005 } });
  assert.deepEqual([made.status, made.body.weight], [200, '30.01']);
  await db.query('UPDATE grade_categories SET description = $1 WHERE id = $2', ['x', subject]);
  const { body } = await api('GET', '/grading/categories', { token: self() });
  assert.deepEqual(body.map((row) => row.name), ['Aptitude', 'Subject proficiency']);
});

test('a category needs a name and a weight, and only an admin makes one', async () => {
  const needs = [400, 'Name and weight are required'];
  assert.deepEqual(message(await api('POST', '/grading/categories', { token: admin, body: { name: 'x' } })), needs);
  assert.deepEqual(message(await post('categories', { name: 'x', weight: 1 })), [403, 'Access denied']);
  const put = await api('PUT', `/grading/categories/${subject}`, { token: admin, body: { weight: '41.5' } });
  assert.deepEqual([put.body.name, put.body.weight], ['Subject proficiency', '41.50']);
  const taken = await api('POST', '/grading/categories', { token: admin, body: { name: put.body.name, weight: 0 } });
  assert.match(taken.body.message, /duplicate key value/);
});

test('a category with grades cannot be deleted, one without can, and again', async () => {
  await add(db, 'grades', { cadet_id: who, category_id: subject, score: 1 });
  const remove = (id) => api('DELETE', `/grading/categories/${id}`, { token: admin });
  const answer = await remove(subject);
  assert.equal(answer.status, 500);
  assert.match(answer.body.message, /violates foreign key constraint "grades_category_id_fkey"/);
  assert.deepEqual(message(await remove(999999)), [200, 'Category deleted']);
});

test('a grade is rounded by the database and shown as a string', async () => {
  const body = { cadetId: who, categoryId: subject, term: 'prelim', score: 92.505 };
  const answer = await post('grades', body);
  assert.equal(answer.status, 200);
  const { score, max_score: max, status, graded_by: by } = answer.body;
  assert.deepEqual([score, max, status, by], ['92.51', '100.00', 'active', grader]);
  assert.match((await post('grades', body)).body.message, /grades_cadet_id_category_id_term_key/);
  assert.deepEqual(message(await post('grades', { ...body, term: 'final', score: 100000 })),
    [500, 'numeric field overflow']);
});

test('a score of 0 is a score, none is a 400, and a field in the other spelling is none', async () => {
  assert.equal((await post('grades', { cadetId: who, categoryId: subject, score: 0 })).body.score, '0.00');
  const needs = [400, 'Missing required fields'];
  assert.deepEqual(message(await post('grades', { cadetId: who, categoryId: subject })), needs);
  assert.deepEqual(message(await post('grades', { cadet_id: who, category_id: subject, score: 1 })), needs);
});

test('a new grade is told to its cadet, and when that fails the grade stays behind a 500', async () => {
  const reader = await addUser(db, { role: 'cadet', cadet_id: who });
  await post('grades', { cadetId: who, categoryId: subject, term: 'prelim', score: 90 });
  const { rows } = await db.query('SELECT user_id, type, message, priority, is_read FROM notifications');
  assert.deepEqual(rows,
    [{ user_id: reader, type: 'grade', message: 'New grade posted', priority: 'high', is_read: false }]);
  await db.query('ALTER TABLE notifications RENAME TO gone');
  const answer = await post('grades', { cadetId: who, categoryId: subject, term: 'final', score: 90 });
  await db.query('ALTER TABLE gone RENAME TO notifications');
  assert.deepEqual(message(answer), [500, 'relation "notifications" does not exist']);
  assert.deepEqual((await grades()).map((row) => row.term), ['prelim', 'final']);
});

test('grades of many cadets are saved one after the other: a bad one leaves those before it', async () => {
  const other = await addCadet(db);
  const many = [{ cadetId: who, score: 70 }, { cadetId: 999999, score: 1 }, { cadetId: other, score: 80 }];
  const sent = { categoryId: subject, term: 'final', grades: many };
  assert.match((await post('grades/bulk', sent)).body.message, /grades_cadet_id_fkey/);
  assert.deepEqual((await grades()).map((row) => [row.cadet_id, row.score]), [[who, '70.00']]);
  many.splice(1, 1, { cadetId: who, score: '71', status: 'INC' });
  assert.deepEqual((await post('grades/bulk', sent)).body, { saved: 3 });
  assert.deepEqual((await grades()).map((row) => [row.cadet_id, row.score, row.status, row.max_score]),
    [[who, '71.00', 'INC', '100.00'], [other, '80.00', 'active', '100.00']]);
  assert.deepEqual(message(await post('grades/bulk', {})), [400, 'grades is required']);
});

test('a term that is missing never matches, so the same grade is saved twice', async () => {
  const sent = { categoryId: subject, grades: [{ cadetId: who, score: 70 }] };
  await post('grades/bulk', sent);
  await post('grades/bulk', sent);
  assert.equal((await grades()).length, 2);
});

test('a grade is changed in part, and a missing one without complaint', async () => {
  const id = await add(db, 'grades', { cadet_id: who, category_id: subject, score: 50, remarks: 'kept' });
  const put = (number, body) => api('PUT', `/grading/grades/${number}`, { token: staff, body });
  const { body } = await put(id, { score: '60.5', maxScore: 80, cadetId: 7, graded_by: 1 });
  assert.deepEqual([body.score, body.max_score, body.remarks, body.cadet_id, body.graded_by],
    ['60.50', '80.00', 'kept', who, grader]);
  assert.equal((await put(999999, { score: 1 })).text, '{}');
  for (let i = 0; i < 2; i += 1) {
    assert.deepEqual(message(await api('DELETE', `/grading/grades/${id}`, { token: staff })), [200, 'Grade deleted']);
  }
});

test('grades are ordered by cadet, those of one cadet not at all, and a cadet sees its own only', async () => {
  const ids = [];
  for (const term of ['prelim', 'midterm', 'final']) {
    ids.push(await add(db, 'grades', { cadet_id: who, category_id: subject, term, score: 80 }));
  }
  await add(db, 'grades', { cadet_id: await addCadet(db), category_id: subject, score: 1 });
  const list = async (asker, query) => (await api('GET', `/grading/grades${query}`, { token: asker })).body;
  const rows = (await list(staff, '')).data;
  assert.deepEqual(rows.map((row) => row.cadet_id === who), [true, true, true, false]);
  assert.deepEqual(rows.slice(0, 3).map((row) => row.id).sort((a, b) => a - b), ids);
  assert.equal((await list(staff, `?cadetId=${who}`)).total, '3');
  assert.equal((await list(staff, '?term=final')).total, '1');
  assert.equal((await list(staff, `?categoryId=${subject}`)).total, '4');
  assert.equal((await list(self(), '?cadetId=1')).total, '3');
  assert.equal((await list(token({ role: 'cadet' }), '')).total, '0');
});

test('a summary has counts and sums as strings and scores as numbers', async () => {
  for (let n = 0; n < 3; n += 1) {
    const day = await add(db, 'training_days', { date: 'x', title: `${n}` });
    const status = n ? 'present' : 'late';
    await add(db, 'attendance', { training_day_id: day, cadet_id: who, status });
  }
  for (const [type, points] of [['merit', 5], ['merit', -3], ['demerit', 10]]) {
    await add(db, 'merit_demerit_logs', { cadet_id: who, type, points });
  }
  const aptitude = await add(db, 'grade_categories', { name: 'Aptitude', weight: 30 });
  await add(db, 'grades', { cadet_id: who, category_id: aptitude, term: 'final', score: 1, status: 'DO' });
  await add(db, 'grades', { cadet_id: who, category_id: subject, term: 'prelim', score: '40.5', max_score: 50 });
  await add(db, 'grades', { cadet_id: who, category_id: subject, term: 'midterm', score: 90 });
  const { body } = await api('GET', `/grading/cadets/${who}/summary`, { token: self() });
  assert.deepEqual(body, {
    cadetId: who, present: '2', trainingDays: '3', merits: '2', demerits: '10', prelim: '40.50', midterm: '90.00',
    final: null, attendanceScore: 20, aptitudeScore: 27.599999999999998, subjectScore: 17.4,
    finalGrade: 65, transmutedGrade: '5.00',
  });
});

test('a summary is for staff and the cadet itself, and a 404 for nobody', async () => {
  const summary = (id, asker) => api('GET', `/grading/cadets/${id}/summary`, { token: asker });
  assert.deepEqual(message(await summary(999999, staff)), [404, 'Cadet not found']);
  assert.deepEqual(message(await summary(await addCadet(db), self())), [403, 'Access denied']);
  const { body } = await summary(who, staff);
  assert.deepEqual([body.present, body.merits, body.prelim, body.finalGrade], ['0', '0', null, 30]);
});
