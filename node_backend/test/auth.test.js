'use strict';

const assert = require('node:assert/strict');
const { after, before, test } = require('node:test');
const bcrypt = require('bcryptjs');
const jwt = require('jsonwebtoken');
const { SECRET, PASSWORD, HASH, startBackend, token, addUser, addCadet } = require('./harness');

let backend, db, api, cadet, admin, student;
const login = (username, password = PASSWORD) => api('POST', '/auth/login', { body: { username, password } });
const message = (answer) => [answer.status, answer.body.message];

before(async () => {
  backend = await startBackend();
  ({ db, api } = backend);
  cadet = await addCadet(db, { student_id: '2021-0001' });
  admin = await addUser(db, { username: 'admin', email: 'admin@rotc.test', first_name: 'Ada', last_name: 'Reyes' });
  student = await addUser(db, { username: 'jcruz', email: '', role: 'cadet', cadet_id: cadet });
});
after(() => backend?.stop());

test('a login answers 200 with a token, the role and the user in camelCase', async () => {
  const answer = await login('admin');
  assert.equal(answer.status, 200);
  const { token: issued, ...rest } = answer.body;
  assert.deepEqual(rest, {
    role: 'admin',
    user: {
      id: admin, username: 'admin', email: 'admin@rotc.test', role: 'admin', firstName: 'Ada', lastName: 'Reyes',
      profilePic: null,
    },
    cadetId: null,
    staffId: null,
  });
  const claims = jwt.verify(issued, SECRET, { algorithms: ['HS256'] });
  assert.equal(claims.exp - claims.iat, 7 * 24 * 3600);
  assert.deepEqual(Object.keys(claims), ['id', 'role', 'cadetId', 'staffId', 'iat', 'exp']);
});

test('a user may log in with the e-mail address or the student id instead', async () => {
  assert.equal((await login('admin@rotc.test')).body.user.id, admin);
  const answer = await login('2021-0001');
  assert.deepEqual([answer.body.user.id, answer.body.cadetId], [student, cadet]);
});

test('a username wins over an e-mail address, and the first match alone is tried', async () => {
  await addUser(db, { username: 'other', email: 'jcruz', password: bcrypt.hashSync('of the other', 10) });
  assert.equal((await login('jcruz')).body.user.id, student);
  assert.deepEqual(message(await login('jcruz', 'of the other')), [401, 'Invalid credentials']);
});

test('of users who share an e-mail address the one with the lowest id is meant', async () => {
  const first = await addUser(db, { username: 'twin1', email: 'twin@rotc.test' });
  await addUser(db, { username: 'twin2', email: 'twin@rotc.test' });
  assert.equal((await login('twin@rotc.test')).body.user.id, first);
});

test('the name is compared with regard to case', async () => {
  assert.deepEqual(message(await login('Admin')), [401, 'Invalid credentials']);
});

test('a login without a name or a password, or with one that is no string, is a 400', async () => {
  for (const body of [{}, { username: 'admin' }, { username: '', password: 'x' }, { username: 'admin', password: 1 },
    { username: ['admin'], password: PASSWORD }, []]) {
    const answer = await api('POST', '/auth/login', { body });
    assert.deepEqual(message(answer), [400, 'Username and password are required']);
  }
});

test('a wrong password and an unknown user get the same answer', async () => {
  assert.deepEqual(message(await login('admin', 'wrong')), [401, 'Invalid credentials']);
  assert.deepEqual(message(await login('nobody')), [401, 'Invalid credentials']);
});

test('a deactivated user and one who was never approved are told so', async () => {
  await addUser(db, { username: 'gone', is_active: false });
  await addUser(db, { username: 'new', is_approved: 0 });
  await addUser(db, { username: 'forgotten', is_approved: null });
  assert.deepEqual(message(await login('gone')), [403, 'Account is deactivated']);
  assert.deepEqual(message(await login('new')), [403, 'Account is pending approval']);
  assert.deepEqual(message(await login('forgotten')), [403, 'Account is pending approval']);
});

test('a stored password that is no hash matches nothing and crashes nothing', async () => {
  const stored = ['', 'x'.repeat(56), 'x'.repeat(60), `$2a$10$${'!'.repeat(53)}`, `$2a$99$${'a'.repeat(53)}`,
    `$3a$10$${'a'.repeat(53)}`, PASSWORD];
  for (const [i, password] of stored.entries()) {
    await addUser(db, { username: `import${i}`, password });
    assert.deepEqual(message(await login(`import${i}`)), [401, 'Invalid credentials']);
  }
  assert.equal((await login('admin')).status, 200);
});

test('a password counts up to its 72nd byte', async () => {
  const long = '\u{1F600}'.repeat(18);
  await addUser(db, { username: 'long', password: bcrypt.hashSync(`${long}tail`, 10) });
  assert.equal((await login('long', `${long}another tail`)).status, 200);
  assert.equal((await login('long', long.slice(2))).status, 401);
});

test('a login writes nothing', async () => {
  const before = await db.value('SELECT users::text FROM users WHERE id = $1', [admin]);
  await login('admin');
  assert.equal(await db.value('SELECT users::text FROM users WHERE id = $1', [admin]), before);
});

test('a request without a token is a 401', async () => {
  const expected = [401, 'No token provided'];
  assert.deepEqual(message(await api('GET', '/auth/me')), expected);
  assert.deepEqual(message(await api('GET', '/auth/me', { headers: { authorization: 'Bearer ' } })), expected);
  assert.deepEqual(message(await api('GET', '/auth/me', { headers: { authorization: 'Basic abc' } })), expected);
});

test('a token that is bad, expired, unsigned or signed by another is a 403', async () => {
  const bad = ['rubbish', token({}, { expiresIn: -1 }), jwt.sign({ id: 1, role: 'admin' }, 'another secret'),
    jwt.sign({ id: 1, role: 'admin' }, '', { algorithm: 'none' }),
    jwt.sign({ id: 1, role: 'admin' }, SECRET, { algorithm: 'HS512' })];
  for (const one of bad) {
    assert.deepEqual(message(await api('GET', '/auth/me', { token: one })), [403, 'Session expired or invalid token']);
  }
});

test('a token that Django issued is accepted', async () => {
  const answer = await api('GET', '/auth/me', { token: token({ id: admin, user_id: admin }) });
  assert.equal(answer.body.username, 'admin');
});

test('me shows the user without password and last_seen, and is_approved as a number', async () => {
  const { body } = await api('GET', '/auth/me', { token: token({ id: admin }) });
  assert.deepEqual(Object.keys(body), ['id', 'username', 'email', 'role', 'first_name', 'last_name', 'is_active',
    'is_staff', 'is_approved', 'cadet_id', 'staff_id', 'profile_pic', 'created_at', 'updated_at']);
  assert.equal(body.is_approved, 1);
});

test('me of a user who was deleted is a 404 although the token is still good', async () => {
  assert.deepEqual(message(await api('GET', '/auth/me', { token: token({ id: 999999 }) })), [404, 'User not found']);
});

test('a user who was deactivated after the login keeps working', async () => {
  const id = await addUser(db, { username: 'late', is_active: false });
  assert.equal((await api('GET', '/auth/me', { token: token({ id }) })).status, 200);
});

test('logging out says so and ends nothing', async () => {
  const answer = await api('POST', '/auth/logout', { token: token({ id: admin }) });
  assert.deepEqual(message(answer), [200, 'Logged out']);
  assert.equal((await api('GET', '/auth/me', { token: token({ id: admin }) })).status, 200);
});

test('changing the password stores a $2a$ hash of cost 10', async () => {
  const id = await addUser(db, { username: 'changer' });
  const change = (body) => api('PUT', '/auth/password', { token: token({ id }), body });
  assert.deepEqual(message(await change({ currentPassword: PASSWORD, newPassword: 'brand new' })),
    [200, 'Password updated']);
  assert.match(await db.value('SELECT password FROM users WHERE id = $1', [id]), /^\$2a\$10\$[./A-Za-z0-9]{53}$/);
  assert.equal((await login('changer', 'brand new')).status, 200);
  assert.equal((await login('changer')).status, 401);
});

test('changing the password needs the current one first and then a long enough new one', async () => {
  const change = (body) => api('PUT', '/auth/password', { token: token({ id: admin }), body });
  const wrong = [400, 'Current password is incorrect'];
  assert.deepEqual(message(await change({ currentPassword: 'wrong', newPassword: 'x' })), wrong);
  assert.deepEqual(message(await change({ newPassword: 'long enough' })), wrong);
  for (const newPassword of ['short', '', undefined, 1234567]) {
    assert.deepEqual(message(await change({ currentPassword: PASSWORD, newPassword })),
      [400, 'Password must be at least 6 characters']);
  }
  assert.equal(await db.value('SELECT password FROM users WHERE id = $1', [admin]), HASH);
});

const DEFAULTS = {
  emailAlerts: true, pushNotifications: true, activityUpdates: true, darkMode: false, compactMode: false,
  primaryColor: 'blue',
};

test('settings that were never saved are the defaults, and reading them saves nothing', async () => {
  const answer = await api('GET', '/auth/settings', { token: token({ id: student }) });
  assert.deepEqual(answer.body, DEFAULTS);
  assert.equal(await db.value('SELECT count(*) FROM user_settings'), '0');
});

test('saving some settings leaves the others as they are', async () => {
  const save = (body) => api('PUT', '/auth/settings', { token: token({ id: student }), body });
  assert.deepEqual((await save({ darkMode: true, unknown: 1 })).body, { ...DEFAULTS, darkMode: true });
  const expected = { ...DEFAULTS, darkMode: true, primaryColor: 'red' };
  assert.deepEqual((await save({ primaryColor: 'red' })).body, expected);
  assert.deepEqual((await save({})).body, expected);
});

test('a setting that is no boolean is a 500 with the text of the database', async () => {
  const answer = await api('PUT', '/auth/settings', { token: token({ id: student }), body: { darkMode: 'dark' } });
  assert.deepEqual(message(answer), [500, 'invalid input syntax for type boolean: "dark"']);
});

test('a heartbeat sets last_seen', async () => {
  const answer = await api('POST', '/auth/heartbeat', { token: token({ id: student }) });
  assert.deepEqual([answer.status, answer.body], [200, { ok: true }]);
  assert.ok(await db.value('SELECT last_seen FROM users WHERE id = $1', [student]));
});
