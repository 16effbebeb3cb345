'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, beforeEach, test } = require('node:test');
const { UPLOAD_DIR, startBackend, token, add, addUser, form, message } = require('./harness');

let backend, db, api, raw, owner, self;
const staff = token({ role: 'training_staff' });
const other = token({ id: 999999, role: 'cadet' });
const file = (values) => ['file', { filename: 'notes.txt', type: 'text/plain', content: 'some text', ...values }];
const upload = (...parts) => api('POST', '/files/upload', { token: self, ...form(...parts) });
const onDisk = (url) => fs.existsSync(path.join(UPLOAD_DIR, path.basename(url)));

before(async () => {
  backend = await startBackend();
  ({ db, api, raw } = backend);
});
beforeEach(async () => {
  await db.query('TRUNCATE files, users CASCADE');
  owner = await addUser(db, { role: 'cadet' });
  self = token({ id: owner, role: 'cadet' });
});
after(() => backend?.stop());

test('an upload is a 200, its size a string, and its bytes are for anybody', async () => {
  const { status, body } = await upload(file(), ['metadata', '{"pages": 1.50, "tags": ["a"]}']);
  assert.equal(status, 200);
  assert.match(body.id, /^[0-9a-f-]{36}$/);
  assert.deepEqual([body.filename, body.owner_id, body.mime_type, body.size, body.public_id],
    ['notes.txt', owner, 'text/plain', '9', null]);
  assert.deepEqual(body.metadata, { pages: 1.5, tags: ['a'] });
  assert.match(body.url, /^\/uploads\/\d+-[0-9a-f]{8}\.txt$/);
  assert.equal((await raw('GET', body.url)).text, 'some text');
});

test('an embedded file is its own URL, but only the word true embeds', async () => {
  assert.equal((await upload(file(), ['embed', 'true'])).body.url, 'data:text/plain;base64,c29tZSB0ZXh0');
  for (const word of ['false', '1', 'TRUE', '']) {
    assert.match((await upload(file(), ['embed', word])).body.url, /^\/uploads\//, word);
  }
});

test('all four forms of a URL are answered as they are stored', async () => {
  const urls = ['https://res.cloudinary.com/rotc/doc%201.pdf', '/uploads/doc.pdf', '/opt/render/uploads/doc.pdf',
    'data:text/plain;base64,VGFuZ2xhdw==', null];
  for (const url of urls) {
    const id = await add(db, 'files', { filename: 'x', url, size: '5368709121' });
    const { body } = await api('GET', `/files/${id}`, { token: staff });
    assert.deepEqual([body.url, body.size], [url, '5368709121']);
  }
});

test('a name beyond ASCII is read as Latin-1 and stays garbled', async () => {
  assert.equal((await upload(file({ filename: 'Peña.txt' }))).body.filename, 'PeÃ±a.txt');
});

test('metadata that is a list or no JSON is a 500, and the bytes stay on disk', async () => {
  const before = fs.readdirSync(UPLOAD_DIR).length;
  assert.deepEqual(message(await upload(file(), ['metadata', '["a"]'])), [500, 'invalid input syntax for type json']);
  assert.match((await upload(file(), ['metadata', 'x'])).body.message, /JSON/);
  assert.equal(await db.value('SELECT count(*) FROM files'), '0');
  assert.equal(fs.readdirSync(UPLOAD_DIR).length, before + 2);
});

test('the null of JSON becomes that of SQL, but one that is stored as JSON looks the same', async () => {
  const { body } = await upload(file(), ['metadata', 'null']);
  assert.equal(await db.value('SELECT metadata IS NULL FROM files WHERE id = $1', [body.id]), true);
  const id = await add(db, 'files', { filename: 'x', metadata: 'null' });
  assert.equal((await api('GET', `/files/${id}`, { token: staff })).body.metadata, null);
});

test('no file is a 400, and one that is too large a 500', async () => {
  assert.deepEqual(message(await upload(['embed', 'true'])), [400, 'No file uploaded']);
  assert.deepEqual(message(await api('POST', '/files/upload', { token: self, body: {} })), [400, 'No file uploaded']);
  const big = file({ content: 'x'.repeat(10 * 1024 * 1024 + 1) });
  assert.deepEqual(message(await upload(big)), [500, 'File too large']);
});

test('an id that is no UUID is a 500 with the text of the database', async () => {
  for (const method of ['GET', 'DELETE']) {
    assert.deepEqual(message(await api(method, '/files/12', { token: staff })),
      [500, 'invalid input syntax for type uuid: "12"']);
  }
});

test('a file is for its owner and for staff, and the list of a cadet holds its own', async () => {
  const mine = await add(db, 'files', { filename: 'mine', owner_id: owner, created_at: '2024-08-01' });
  const orphan = await add(db, 'files', { filename: 'orphan', created_at: '2024-08-02' });
  const status = async (method, id, asker) => (await api(method, `/files/${id}`, { token: asker })).status;
  assert.deepEqual([await status('GET', mine, self), await status('GET', orphan, self)], [200, 403]);
  assert.deepEqual([await status('GET', mine, other), await status('DELETE', mine, other)], [403, 403]);
  const list = async (asker) => (await api('GET', '/files', { token: asker })).body.data.map((row) => row.filename);
  assert.deepEqual([await list(staff), await list(self), await list(other)], [['orphan', 'mine'], ['mine'], []]);
});

test('deleting a file deletes its row and not its bytes, and a missing one as well', async () => {
  const { body } = await upload(file());
  for (let i = 0; i < 2; i += 1) {
    assert.deepEqual(message(await api('DELETE', `/files/${body.id}`, { token: self })), [200, 'File deleted']);
  }
  assert.deepEqual(message(await api('GET', `/files/${body.id}`, { token: self })), [404, 'File not found']);
  assert.ok(onDisk(body.url));
});

test('nothing outside the directory is served', async () => {
  for (const target of ['/uploads/..%2f..%2fetc%2fpasswd', '/uploads/../package.json', '/uploads/']) {
    assert.equal((await raw('GET', target)).status === 200, false, target);
  }
});
