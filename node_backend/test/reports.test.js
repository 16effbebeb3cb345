'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, beforeEach, test } = require('node:test');
const { UPLOAD_DIR, startBackend, token, add, addCadet, addUser, message, until } = require('./harness');

let backend, db, api, staff, asker;
const cadet = token({ role: 'cadet' });
const post = (body) => api('POST', '/reports', { token: staff, body });
const read = async (id) => (await api('GET', `/reports/${id}`, { token: staff })).body;
const download = (id) => api('GET', `/reports/${id}/download`, { token: staff });

before(async () => {
  backend = await startBackend();
  ({ db, api } = backend);
});
beforeEach(async () => {
  await db.query('TRUNCATE cadets, users, reports, files, notifications CASCADE');
  asker = await addUser(db);
  staff = token({ id: asker, role: 'training_staff' });
});
after(() => backend?.stop());

// Asks for a report and waits for its end.
async function made(body) {
  const { body: report } = await post(body);
  return until(async () => {
    const now = await read(report.id);
    return now.status === 'pending' ? null : now;
  });
}

test('asking for a report is a 202 with the row that is still pending', async () => {
  const params = { company: 'Alpha', z: 1, a: 2.5 };
  const { status, body } = await post({ type: 'grades', params });
  assert.equal(status, 202);
  assert.deepEqual([body.type, body.status, body.file_id, body.completed_at, body.requested_by],
    ['grades', 'pending', null, null, asker]);
  assert.deepEqual(Object.keys(body.params), ['company', 'z', 'a']);
  await until(async () => (await read(body.id)).status === 'completed');
});

test('a finished report has a file, whose URL is a path on this machine, and tells who asked for it', async () => {
  const report = await made({ type: 'merits' });
  assert.equal(report.status, 'completed');
  assert.ok(report.completed_at >= report.created_at);
  const { rows } = await db.query('SELECT * FROM files WHERE id = $1', [report.file_id]);
  assert.deepEqual([rows[0].filename, rows[0].mime_type, rows[0].owner_id], ['merits-report.csv', 'text/csv', asker]);
  assert.equal(path.dirname(rows[0].url), UPLOAD_DIR);
  assert.equal(rows[0].size, String(fs.statSync(rows[0].url).size));
  const notes = await until(async () => {
    const found = await db.query('SELECT user_id, type, message FROM notifications');
    return found.rows.length ? found.rows : null;
  });
  assert.deepEqual(notes, [{ user_id: asker, type: 'report', message: 'Report ready: merits' }]);
});

test('the grades are a CSV of all cadets who are not archived, by name', async () => {
  await addCadet(db, { student_id: '2', first_name: 'Bo "B"', last_name: 'Lim, Jr', company: 'Alpha' });
  const who = await addCadet(db, { student_id: '1', first_name: 'Ana', last_name: 'Abad' });
  await addCadet(db, { is_archived: true });
  await add(db, 'merit_demerit_logs', { cadet_id: who, type: 'demerit', points: 7 });
  const answer = await download((await made({ type: 'grades' })).id);
  assert.equal(answer.headers['content-type'], 'text/csv; charset=utf-8');
  assert.equal(answer.headers['content-disposition'], 'attachment; filename="grades-report.csv"');
  assert.equal(answer.text, 'student_id,last_name,first_name,company,attendance,aptitude,subject,final,transmuted\r\n'
    + '1,Abad,Ana,,0,27.9,0,27.9,5.00\r\n2,"Lim, Jr","Bo ""B""",Alpha,0,30,0,30,5.00\r\n');
});

test('attendance and merits are counted, and a company is compared exactly', async () => {
  const who = await addCadet(db, { student_id: '1', last_name: 'Abad', first_name: 'Ana', company: 'Alpha' });
  await addCadet(db, { company: 'Bravo' });
  const day = await add(db, 'training_days', { date: 'x', title: 'x' });
  await add(db, 'attendance', { training_day_id: day, cadet_id: who, status: 'late' });
  const text = async (type) => (await download((await made({ type, params: { company: 'Alpha' } })).id)).text;
  assert.equal(await text('attendance'),
    'student_id,last_name,first_name,company,present,late,absent,excused\r\n1,Abad,Ana,Alpha,0,1,0,0\r\n');
  assert.equal(await text('merits'),
    'student_id,last_name,first_name,company,merits,demerits,aptitude\r\n1,Abad,Ana,Alpha,0,0,30\r\n');
});

test('a PDF has as many pages as its lines need, and its table finds every object', async () => {
  for (let i = 0; i < 60; i += 1) await addCadet(db, { last_name: `Peña (${i})` });
  const answer = await download((await made({ type: 'merits', params: { format: 'pdf' } })).id);
  assert.equal(answer.headers['content-type'], 'application/pdf');
  const { rows } = await db.query('SELECT url FROM files');
  const pdf = fs.readFileSync(rows[0].url, 'latin1');
  assert.match(pdf, /^%PDF-1\.4\n[^]*\/Count 2 >>[^]*%%EOF\n$/);
  assert.ok(pdf.includes('Peña \\(59\\)'));
  const xref = Number(/startxref\n(\d+)/.exec(pdf)[1]);
  const offsets = [...pdf.slice(xref).matchAll(/^(\d{10}) 00000 n $/gm)].map((found) => Number(found[1]));
  offsets.forEach((at, i) => assert.ok(pdf.startsWith(`${i + 1} 0 obj\n`, at), `object ${i + 1}`));
});

test('a report of an unknown type fails afterwards, and no type is a 400', async () => {
  const report = await made({ type: 'horoscope' });
  assert.deepEqual([report.status, report.file_id, report.completed_at], ['failed', null, null]);
  assert.deepEqual(message(await download(report.id)), [409, 'Report is not ready']);
  assert.deepEqual(message(await post({})), [400, 'Type is required']);
});

test('params that are a list are a 500, since the driver makes another kind of list of it', async () => {
  assert.deepEqual(message(await post({ type: 'grades', params: ['Alpha'] })),
    [500, 'invalid input syntax for type json']);
});

test('a download goes by the form of the URL', async () => {
  fs.writeFileSync(path.join(UPLOAD_DIR, 'here.txt'), 'found');
  const stored = async (url) => {
    const file = await add(db, 'files', { filename: 'Dokumento 1.txt', url, mime_type: 'text/plain' });
    return download(await add(db, 'reports', { type: 'x', status: 'completed', file_id: file }));
  };
  const away = await stored('https://res.cloudinary.com/rotc/doc%201.pdf');
  assert.deepEqual([away.status, away.headers.location], [302, 'https://res.cloudinary.com/rotc/doc%201.pdf']);
  assert.equal((await stored('data:text/plain;base64,VGFuZ2xhdw==')).text, 'Tanglaw');
  const local = await stored('/uploads/here.txt');
  assert.deepEqual([local.text, local.headers['content-disposition']],
    ['found', 'attachment; filename="Dokumento 1.txt"']);
  assert.equal((await stored('/opt/render/project/src/server/uploads/here.txt')).text, 'found');
  const gone = await stored('/opt/render/project/src/server/uploads/gone.txt');
  assert.equal(gone.status, 500);
  assert.match(gone.body.message, /^ENOENT: no such file or directory/);
  assert.equal(gone.headers['content-disposition'], undefined);
});

test('a report without its file is a 404, as is an unknown one, and no UUID a 500', async () => {
  const id = await add(db, 'reports', { type: 'x', status: 'completed' });
  assert.deepEqual(message(await download(id)), [404, 'File not found']);
  const nobody = '00000000-0000-4000-8000-000000000000';
  assert.deepEqual(message(await download(nobody)), [404, 'Report not found']);
  assert.deepEqual(message(await api('GET', `/reports/${nobody}`, { token: staff })), [404, 'Report not found']);
  assert.equal((await download('7')).status, 500);
});

test('the list is newest first, and nothing of it is for cadets', async () => {
  await add(db, 'reports', { type: 'old', created_at: '2024-08-01' });
  await add(db, 'reports', { type: 'new', created_at: '2024-08-02' });
  const { body } = await api('GET', '/reports', { token: staff });
  assert.deepEqual([body.total, body.data.map((row) => row.type)], ['2', ['new', 'old']]);
  for (const [method, target] of [['GET', '/reports'], ['POST', '/reports'], ['GET', '/reports/1'],
    ['GET', '/reports/1/download']]) {
    assert.deepEqual(message(await api(method, target, { token: cadet })), [403, 'Access denied'], target);
  }
});
