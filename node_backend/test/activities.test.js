'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, beforeEach, test } = require('node:test');
const { UPLOAD_DIR, startBackend, token, add, addCadet, addUser, form, message } = require('./harness');

let backend, db, api, raw, staff;
const cadet = token({ role: 'cadet' });
const picture = (filename, content = 'bytes') => ['images', { filename, type: 'image/png', content }];
const images = (id) => db.value('SELECT images FROM activities WHERE id = $1', [id]);

before(async () => {
  backend = await startBackend();
  ({ db, api, raw } = backend);
});
beforeEach(async () => {
  await db.query('TRUNCATE activities, cadets, users CASCADE');
  staff = token({ id: await addUser(db), role: 'training_staff' });
});
after(() => backend?.stop());

test('a new activity is a 200, is an activity unless said, and belongs to who made it', async () => {
  const body = { title: 'Tree planting', date: 'August 3, 2024', createdBy: 99 };
  const answer = await api('POST', '/activities', { token: staff, body });
  assert.equal(answer.status, 200);
  const { type, date, images: none, created_by: by, created_at: at } = answer.body;
  assert.deepEqual([type, date, none], ['activity', 'August 3, 2024', null]);
  assert.equal(by, await db.value('SELECT max(id) FROM users'));
  assert.equal(at, answer.body.updated_at);
  assert.deepEqual(message(await api('POST', '/activities', { token: staff, body: {} })), [400, 'Title is required']);
  assert.equal((await api('POST', '/activities', { token: cadet, body })).status, 403);
});

test('images are a string with a JSON array in it, and stay as they were stored', async () => {
  const body = { title: 'x', images: ['/uploads/a.jpg', 'https://host/b.jpg'] };
  const { body: row } = await api('POST', '/activities', { token: staff, body });
  assert.equal(row.images, '["/uploads/a.jpg","https://host/b.jpg"]');
  const spaced = await add(db, 'activities', { title: 'y', images: '["/a", "/b"]' });
  assert.equal((await api('GET', `/activities/${spaced}`, { token: cadet })).body.images, '["/a", "/b"]');
});

test('images that come as a string are a string in a string', async () => {
  const { body } = await api('POST', '/activities', { token: staff, body: { title: 'x', images: '["/a"]' } });
  assert.equal(body.images, '"[\\"/a\\"]"');
});

test('uploaded images are kept under new names and anybody may read them', async () => {
  const sent = form(['title', 'Blood donation'], ['location', ''], picture('one.png', 'first'), picture('two.png'));
  const { status, body } = await api('POST', '/activities', { token: staff, ...sent });
  assert.deepEqual([status, body.location], [200, null]);
  const urls = JSON.parse(body.images);
  assert.equal(urls.length, 2);
  assert.match(urls[0], /^\/uploads\/\d+-[0-9a-f]{8}\.png$/);
  const answer = await raw('GET', urls[0]);
  assert.deepEqual([answer.status, answer.text, answer.headers['content-type']], [200, 'first', 'image/png']);
  assert.deepEqual(message(await raw('GET', '/uploads/none.png')), [404, 'Not found']);
});

test('more images are added to those that are there, or replace them if the form says the word true', async () => {
  const id = await add(db, 'activities', { title: 'x', images: '["/uploads/old.jpg"]' });
  const put = (...parts) => api('PUT', `/activities/${id}`, { token: staff, ...form(...parts) });
  const added = JSON.parse((await put(picture('a.png'))).body.images);
  assert.deepEqual([added.length, added[0]], [2, '/uploads/old.jpg']);
  const kept = JSON.parse((await put(['replace_images', 'false'], picture('b.png'))).body.images);
  assert.equal(kept.length, 3);
  const replaced = JSON.parse((await put(['replace_images', 'true'], picture('c.png'))).body.images);
  assert.equal(replaced.length, 1);
  assert.equal((await put(['replace_images', 'true'])).body.images, '[]');
  assert.equal((await put(['title', 'new'])).body.title, 'new');
  assert.equal(await images(id), '[]');
});

test('images in JSON replace those that are there, and not sent they stay', async () => {
  const id = await add(db, 'activities', { title: 'x', images: '["/a"]' });
  const put = (body) => api('PUT', `/activities/${id}`, { token: staff, body });
  assert.equal((await put({ location: 'Gym' })).body.images, '["/a"]');
  assert.equal((await put({ images: ['/b'] })).body.images, '["/b"]');
  assert.equal((await put({ images: null })).body.images, null);
});

test('a failure after an upload leaves the bytes behind', async () => {
  const id = await add(db, 'activities', { title: 'x', images: 'no JSON' });
  const count = () => fs.readdirSync(UPLOAD_DIR).length;
  const files = count();
  const answer = await api('PUT', `/activities/${id}`, { token: staff, ...form(picture('lost.png')) });
  assert.equal(answer.status, 500);
  assert.match(answer.body.message, /JSON/);
  assert.equal(count(), files + 1);
});

test('the list is ordered by the text of the date, equal ones as the database finds them', async () => {
  const one = await add(db, 'activities', { title: 'a', date: '2024-08-10' });
  await add(db, 'activities', { title: 'b', date: '2024-08-10' });
  await add(db, 'activities', { title: 'c', date: 'August 1, 2024', type: 'announcement' });
  await add(db, 'activities', { title: 'd' });
  const titles = async (query = '') => {
    const { body } = await api('GET', `/activities${query}`, { token: cadet });
    return body.data.map((row) => row.title).join('');
  };
  assert.equal(await titles(), 'dcab');
  await db.query('UPDATE activities SET location = $1 WHERE id = $2', ['x', one]);
  assert.notEqual(await titles('?limit=3'), 'dca');
  assert.equal(await titles('?type=announcement'), 'c');
  assert.equal(await titles('?search=B'), '');
});

test('participants are added one after the other: an unknown one leaves those before it in', async () => {
  const id = await add(db, 'activities', { title: 'x' });
  const [a, b] = [await addCadet(db, { company: 'Alpha' }), await addCadet(db)];
  const post = (ids) => api('POST', `/activities/${id}/participants`, { token: staff, body: { cadet_ids: ids } });
  const answer = await post([a, 999999, b]);
  assert.equal(answer.status, 500);
  assert.match(answer.body.message, /violates foreign key constraint "activity_cadets_cadet_id_fkey"/);
  assert.deepEqual((await post([a, b, b])).body, { added: 1 });
  const { body } = await api('GET', `/activities/${id}`, { token: cadet });
  assert.deepEqual(body.participants[0], { id: a, first_name: 'Juan', last_name: 'Cruz', company: 'Alpha' });
  assert.equal(body.participants.length, 2);
  assert.deepEqual(message(await post('all')), [400, 'cadet_ids is required']);
  const camel = { token: staff, body: { cadetIds: [a] } };
  assert.equal((await api('POST', `/activities/${id}/participants`, camel)).status, 400);
});

test('a participant who is not in is removed as well as one who is', async () => {
  const id = await add(db, 'activities', { title: 'x' });
  const who = await addCadet(db);
  await db.query('INSERT INTO activity_cadets VALUES ($1, $2)', [id, who]);
  for (let i = 0; i < 2; i += 1) {
    const answer = await api('DELETE', `/activities/${id}/participants/${who}`, { token: staff });
    assert.deepEqual(message(answer), [200, 'Participant removed']);
  }
  assert.equal(await db.value('SELECT count(*) FROM activity_cadets'), '0');
});

test('reading a missing activity is a 404 but changing or deleting one is a 200', async () => {
  assert.deepEqual(message(await api('GET', '/activities/999999', { token: cadet })), [404, 'Activity not found']);
  const answer = await api('PUT', '/activities/999999', { token: staff, body: { title: 'x' } });
  assert.deepEqual([answer.status, answer.text], [200, '{}']);
  assert.deepEqual(message(await api('DELETE', '/activities/999999', { token: staff })), [200, 'Activity deleted']);
});

test('deleting an activity takes its participants along and leaves its files', async () => {
  const { body } = await api('POST', '/activities', { token: staff, ...form(['title', 'x'], picture('k.png')) });
  await db.query('INSERT INTO activity_cadets VALUES ($1, $2)', [body.id, await addCadet(db)]);
  await api('DELETE', `/activities/${body.id}`, { token: staff });
  assert.equal(await db.value('SELECT count(*) FROM activity_cadets'), '0');
  assert.ok(fs.existsSync(path.join(UPLOAD_DIR, path.basename(JSON.parse(body.images)[0]))));
});
