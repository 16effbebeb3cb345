'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const { eventId } = require('../src/notify');
const { startBackend, token, add, addCadet, addUser } = require('./harness');
const { open, connect } = require('./sockets');

let backend, db, api, port, ana, bo, admin;
const clients = [];

before(async () => {
  backend = await startBackend();
  ({ db, api, port } = backend);
  [ana, bo, admin] = [await addUser(db), await addUser(db), await addUser(db)];
});
after(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await backend?.stop();
});

async function join(path, id) {
  const client = await connect(port, path, token({ id }));
  clients.push(client);
  return client;
}
const post = (path, body, id = admin) => api('POST', path, { token: token({ id }), body });

test('a good token is greeted, in any letter case and without the slash at the end', async () => {
  for (const path of ['/ws/notifications/', '/WS/Updates', '/ws/chat/general/']) {
    const client = open(port, `${path}?token=${token({ id: ana })}`);
    assert.deepEqual(await client.next(), { type: 'connected', data: { userId: ana } });
    await client.close();
  }
});

test('a missing, a bad and an expired token are closed with 4001 and a reason', async () => {
  const expired = token({ id: ana }, { expiresIn: -1 });
  for (const [query, reason] of [['', 'No token provided'], ['?token=', 'No token provided'],
    ['?token=nonsense', 'Session expired or invalid token'],
    [`?token=${expired}`, 'Session expired or invalid token']]) {
    const client = open(port, `/ws/updates/${query}`);
    assert.deepEqual(await client.closed, [4001, reason]);
  }
});

test('another path is refused, and the paths are nothing without an upgrade', async () => {
  for (const path of ['/ws/', '/ws/other/', '/ws/chat/', '/ws/chat/a/b', '/ws/chat/%zz', '/api/v1/auth/me']) {
    assert.equal(await open(port, `${path}?token=${token({ id: ana })}`).refused, 404, path);
  }
  assert.equal((await backend.raw('GET', '/ws/updates/')).status, 404);
});

test('what one says in a room is stored, and both hear the row', async () => {
  const [one, two] = [await join('/ws/chat/alpha/', ana), await join('/ws/chat/alpha/', bo)];
  const elsewhere = await join('/ws/chat/bravo/', bo);
  one.say({ type: 'message', data: { content: 'Opo, sir', subject: 'Re: schedule' } });
  const frame = await one.next();
  assert.deepEqual(await two.next(), frame);
  const { id, created_at: at, ...row } = frame.data;
  assert.deepEqual([frame.type, row], ['message', {
    room: 'alpha', sender_id: ana, recipient_id: null, subject: 'Re: schedule', content: 'Opo, sir', is_read: false,
  }]);
  const { body } = await api('GET', '/messaging/rooms/alpha/messages', { token: token({ id: bo }) });
  assert.deepEqual(body.data, [{ id, created_at: at, ...row }]);
  assert.deepEqual(await elsewhere.settled(), []);
});

test('the name of a room is decoded, and what is posted over HTTP is heard in it', async () => {
  const client = await join('/ws/chat/staff%20room/', ana);
  const { body } = await post('/messaging/rooms/staff%20room/messages', { content: 'x' }, bo);
  assert.deepEqual(await client.next(), { type: 'message', data: body });
});

test('a message to somebody reaches its two people and nobody else in the room', async () => {
  const [one, two, three] = [await join('/ws/chat/direct/', ana), await join('/ws/chat/direct/', bo),
    await join('/ws/chat/direct/', admin)];
  one.say({ type: 'message', data: { content: 'psst', recipientId: bo } });
  assert.equal((await one.next()).data.content, 'psst');
  assert.equal((await two.next()).data.recipient_id, bo);
  assert.deepEqual(await three.settled(), []);
});

test('many messages of one connection arrive in the order in which they were said', async () => {
  const [one, two] = [await join('/ws/chat/fast/', ana), await join('/ws/chat/fast/', bo)];
  for (let i = 0; i < 20; i += 1) one.say({ type: 'message', data: { content: `${i}` } });
  await one.settled();
  const heard = (await two.settled()).map((frame) => frame.data.content);
  assert.deepEqual(heard, Array.from({ length: 20 }, (_, i) => `${i}`));
});

test('typing is told to the others and kept nowhere', async () => {
  const [one, two] = [await join('/ws/chat/typing/', ana), await join('/ws/chat/typing/', bo)];
  one.say({ type: 'typing' });
  assert.deepEqual(await two.next(), { type: 'typing', data: { userId: ana } });
  assert.deepEqual(await one.settled(), []);
  assert.equal(await db.value("SELECT count(*) FROM messages WHERE room = 'typing'"), '0');
});

test('a ping is answered with its own data', async () => {
  const client = await join('/ws/notifications/', ana);
  client.say({ type: 'ping', data: { n: 1 } });
  client.say({ type: 'ping' });
  assert.deepEqual(await client.next(), { type: 'pong', data: { n: 1 } });
  assert.deepEqual(await client.next(), { type: 'pong', data: {} });
});

test('what is not understood is told to its sender alone, and the connection stays', async () => {
  const [one, two] = [await join('/ws/chat/errors/', ana), await join('/ws/chat/errors/', bo)];
  const bad = [['{', 'Invalid JSON'], ['7', 'Invalid message'], ['null', 'Invalid message'], ['{}', 'Invalid message'],
    ['{"type": 3}', 'Invalid message'], ['{"type": "dance"}', 'Unknown type: dance'],
    ['{"type": "constructor"}', 'Unknown type: constructor'], ['{"type": "message"}', 'Content is required'],
    ['{"type": "message", "data": {"content": 5}}', 'Content is required']];
  for (const [frame, text] of bad) {
    one.say(frame);
    assert.deepEqual(await one.next(), { type: 'error', data: { message: text } }, frame);
  }
  one.socket.send(Buffer.from('{"type": "ping"}'), { binary: true });
  assert.equal((await one.next()).data.message, 'Text frames only');
  assert.deepEqual([await one.settled(), await two.settled()], [[], []]);
});

test('a message that the database refuses is told in its words, and nobody hears it', async () => {
  const [one, two] = [await join('/ws/chat/refused/', ana), await join('/ws/chat/refused/', bo)];
  one.say({ type: 'message', data: { content: 'x', recipientId: 999999 } });
  const { type, data } = await one.next();
  assert.equal(type, 'error');
  assert.match(data.message, /violates foreign key constraint/);
  assert.deepEqual(await two.settled(), []);
});

test('only a chat takes messages, and one that is too long closes its connection', async () => {
  const updates = await join('/ws/updates/', ana);
  updates.say({ type: 'message', data: { content: 'x' } });
  assert.equal((await updates.next()).data.message, 'Unknown type: message');
  updates.say('x'.repeat(65537));
  assert.equal((await updates.closed)[0], 1009);
});

test('a notification reaches its user, with the id of the event and not of the row', async () => {
  const cadet = await addCadet(db);
  const reader = await addUser(db, { role: 'cadet', cadet_id: cadet });
  const category = await add(db, 'grade_categories', { name: 'Subject proficiency', weight: 40 });
  const [mine, other] = [await join('/ws/notifications/', reader), await join('/ws/notifications/', bo)];
  await post('/grading/grades', { cadetId: cadet, categoryId: category, score: 90 });
  const { rows } = await db.query('SELECT id, created_at FROM notifications WHERE user_id = $1', [reader]);
  assert.deepEqual(await mine.next(), { type: 'notification', data: {
    id: eventId(rows[0].id), message: 'New grade posted', timestamp: rows[0].created_at.toISOString(), priority: 'high',
  } });
  assert.deepEqual(await other.settled(), []);
});

test('a broadcast reaches everybody', async () => {
  const both = [await join('/ws/notifications/', ana), await join('/ws/notifications/', bo)];
  const { body } = await post('/messaging/broadcast', { message: 'Assembly', priority: 'high' });
  for (const client of both) {
    const { data } = await client.next();
    assert.deepEqual([data.id, data.message, data.priority], [eventId(body.id), 'Assembly', 'high']);
  }
});

test('the id of an event is a UUID of version 5, made as anybody would', () => {
  // What uuid5(NAMESPACE_URL, "notifications/1") is in any language.
  assert.equal(eventId(1), '9371210c-7f09-5ab6-a0bf-f294df1acc04');
});

test('changes are told to who watches', async () => {
  const client = await join('/ws/updates/', bo);
  const told = async (resource, action, id) => {
    assert.deepEqual(await client.next(), { type: 'update', data: { resource, action, id } });
  };
  const cadet = await addCadet(db, { student_id: 'S1' });
  const { body: activity } = await post('/activities', { title: 'x' });
  await told('activities', 'created', activity.id);
  await api('PUT', `/activities/${activity.id}`, { token: token(), body: { title: 'y' } });
  await told('activities', 'updated', activity.id);
  await post(`/activities/${activity.id}/participants`, { cadet_ids: [cadet] });
  await told('activities', 'updated', activity.id);
  const { body: day } = await post('/attendance/days', { date: 'x', title: 'x' });
  await told('training_days', 'created', day.id);
  const { body: mark } = await post('/attendance/mark', { trainingDayId: day.id, cadetId: cadet, status: 'late' });
  await told('attendance', 'marked', mark.id);
  await post('/attendance/scan', { trainingDayId: day.id, qrData: 'S1' });
  await told('attendance', 'marked', mark.id);
  await post('/attendance/mark/bulk', { trainingDayId: day.id, records: [{ cadetId: cadet, status: 'late' }] });
  await told('attendance', 'marked', null);
  await api('DELETE', `/attendance/days/${day.id}`, { token: token() });
  await told('training_days', 'deleted', day.id);
});

test('of a missing row a deletion is told but a change is not, and a half-done write is not', async () => {
  const client = await join('/ws/updates/', bo);
  await api('PUT', '/activities/999999', { token: token(), body: { title: 'x' } });
  await api('DELETE', '/activities/999999', { token: token() });
  const day = await add(db, 'training_days', { date: 'x', title: 'x' });
  const records = [{ cadetId: await addCadet(db), status: 'late' }, { cadetId: 0, status: 'late' }];
  assert.equal((await post('/attendance/mark/bulk', { trainingDayId: day, records })).status, 500);
  assert.deepEqual(await client.settled(),
    [{ type: 'update', data: { resource: 'activities', action: 'deleted', id: 999999 } }]);
});
