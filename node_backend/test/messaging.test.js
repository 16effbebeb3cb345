'use strict';

const assert = require('node:assert/strict');
const { after, before, beforeEach, test } = require('node:test');
const { startBackend, token, add, addUser, message } = require('./harness');

let backend, db, api, ana, bo, admin;
const user = (id, role = 'cadet') => ({ id, token: token({ id, role }) });
const post = (who, path, body) => api('POST', `/messaging/${path}`, { token: who.token, body });
const listed = async (who, path) => (await api('GET', `/messaging/${path}`, { token: who.token })).body;
const notice = (values) => add(db, 'notifications', { type: 'grade', message: 'x', ...values });
const read = (id) => db.value('SELECT is_read FROM notifications WHERE id = $1', [id]);

before(async () => {
  backend = await startBackend();
  ({ db, api } = backend);
});
beforeEach(async () => {
  await db.query('TRUNCATE users, messages, notifications, push_subscriptions CASCADE');
  ana = user(await addUser(db));
  bo = user(await addUser(db));
  admin = user(await addUser(db), 'admin');
});
after(() => backend?.stop());

test('a message is a 200 with its row, in a room that exists by being used', async () => {
  const { status, body } = await post(ana, 'rooms/staff%20room/messages', { content: 'Opo, sir 🫡' });
  assert.equal(status, 200);
  assert.deepEqual([body.room, body.sender_id, body.recipient_id, body.subject, body.content, body.is_read],
    ['staff room', ana.id, null, null, 'Opo, sir 🫡', false]);
  assert.equal((await listed(bo, 'rooms/staff%20room/messages')).total, '1');
  assert.equal((await listed(bo, 'rooms/Staff%20room/messages')).total, '0');
  assert.deepEqual(message(await post(ana, 'rooms/x/messages', { subject: 'x' })), [400, 'Content is required']);
});

test('a message to somebody is seen by its two people only', async () => {
  await post(ana, 'rooms/direct/messages', { content: 'x', recipientId: bo.id });
  const seen = [];
  for (const who of [ana, bo, admin]) seen.push((await listed(who, 'rooms/direct/messages')).total);
  assert.deepEqual(seen, ['1', '1', '0']);
});

test('a message to nobody who exists is a 500, and a recipient in the other spelling is none', async () => {
  assert.match((await post(ana, 'rooms/x/messages', { content: 'x', recipientId: 999999 })).body.message,
    /violates foreign key constraint "messages_recipient_id_fkey"/);
  const { body } = await post(ana, 'rooms/x/messages', { content: 'x', recipient_id: bo.id });
  assert.equal(body.recipient_id, null);
});

test('messages come newest first, page by page', async () => {
  for (const day of [1, 2, 3]) {
    await add(db, 'messages', { room: 'r', content: `${day}`, created_at: `2024-08-0${day}` });
  }
  const { total, data } = await listed(ana, 'rooms/r/messages?limit=2');
  assert.deepEqual([total, data.map((row) => row.content)], ['3', ['3', '2']]);
});

test('notifications are the own ones and the broadcasts', async () => {
  await notice({ user_id: ana.id, is_read: true, created_at: '2024-08-01' });
  await notice({ user_id: bo.id });
  await notice({ type: 'system', is_read: null, created_at: '2024-08-02' });
  const { total, data } = await listed(ana, 'notifications');
  assert.deepEqual([total, data.map((row) => row.type)], ['2', ['system', 'grade']]);
  assert.equal((await listed(ana, 'notifications?unread=true')).total, '1');
});

test('reading a broadcast reads it for everybody', async () => {
  const id = await notice({});
  const answer = await api('PUT', `/messaging/notifications/${id}/read`, { token: ana.token });
  assert.deepEqual(message(answer), [200, 'Notification marked as read']);
  assert.equal((await listed(bo, 'notifications?unread=true')).total, '0');
});

test('reading or deleting what is somebody else\'s or missing is a 200 that does nothing', async () => {
  const id = await notice({ user_id: bo.id });
  for (const number of [id, 999999]) {
    const path = `/messaging/notifications/${number}`;
    assert.equal((await api('PUT', `${path}/read`, { token: ana.token })).status, 200);
    assert.deepEqual(message(await api('DELETE', path, { token: ana.token })), [200, 'Notification deleted']);
  }
  assert.equal(await read(id), false);
});

test('reading all counts the own unread ones and leaves the broadcasts', async () => {
  await notice({ user_id: ana.id });
  await notice({ user_id: ana.id, is_read: null });
  await notice({ user_id: ana.id, is_read: true });
  const everybody = await notice({});
  const { body } = await api('PUT', '/messaging/notifications/read-all', { token: ana.token });
  assert.deepEqual(body, { updated: 2 });
  assert.equal(await read(everybody), false);
});

test('a broadcast is deleted by an admin and by nobody else', async () => {
  const id = await notice({});
  await api('DELETE', `/messaging/notifications/${id}`, { token: ana.token });
  assert.equal(await read(id), false);
  await api('DELETE', `/messaging/notifications/${id}`, { token: admin.token });
  assert.equal(await db.value('SELECT count(*) FROM notifications'), '0');
});

test('a broadcast has no user, and only an admin makes one', async () => {
  const { status, body } = await post(admin, 'broadcast', { message: 'Assembly at 0700H' });
  assert.equal(status, 200);
  assert.deepEqual([body.user_id, body.type, body.priority, body.is_read], [null, 'system', 'normal', false]);
  assert.deepEqual(message(await post(admin, 'broadcast', {})), [400, 'Message is required']);
  assert.deepEqual(message(await post(ana, 'broadcast', { message: 'x' })), [403, 'Access denied']);
});

test('a browser\'s subscription is kept as text and changes hands with its user', async () => {
  const sent = { endpoint: 'https://push.example/1', keys: { p256dh: 'B', auth: 'a' } };
  assert.deepEqual(message(await post(ana, 'push/subscribe', sent)), [200, 'Subscribed']);
  await post(bo, 'push/subscribe', sent);
  const { rows } = await db.query('SELECT user_id, keys FROM push_subscriptions');
  assert.deepEqual(rows, [{ user_id: bo.id, keys: '{"p256dh":"B","auth":"a"}' }]);
  assert.deepEqual(message(await post(ana, 'push/subscribe', { endpoint: 'x' })),
    [400, 'Endpoint and keys are required']);
});

test('anybody ends a subscription whose endpoint they know, there or not', async () => {
  await add(db, 'push_subscriptions', { endpoint: 'https://push.example/1', keys: '{}', user_id: 999999 });
  for (let i = 0; i < 2; i += 1) {
    assert.deepEqual(message(await post(ana, 'push/unsubscribe', { endpoint: 'https://push.example/1' })),
      [200, 'Unsubscribed']);
  }
  assert.equal(await db.value('SELECT count(*) FROM push_subscriptions'), '0');
});
