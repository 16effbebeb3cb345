'use strict';

const bcrypt = require('bcryptjs');
const express = require('express');
const db = require('../db');
const { authenticate, signToken } = require('../middleware/auth');
const { wrap } = require('../middleware/wrap');

const router = express.Router();

const LOOKUPS = [
  'SELECT * FROM users WHERE username = $1 ORDER BY id LIMIT 1',
  'SELECT * FROM users WHERE email = $1 ORDER BY id LIMIT 1',
  'SELECT u.* FROM users u JOIN cadets c ON c.id = u.cadet_id WHERE c.student_id = $1 ORDER BY u.id LIMIT 1',
];

const ME_COLUMNS = `id, username, email, role, first_name, last_name, is_active, is_staff, is_approved, cadet_id,
  staff_id, profile_pic, created_at, updated_at`;

// Field of the API → column, and what a user who never saved anything sees.
const SETTINGS = {
  emailAlerts: ['email_alerts', true],
  pushNotifications: ['push_notifications', true],
  activityUpdates: ['activity_updates', true],
  darkMode: ['dark_mode', false],
  compactMode: ['compact_mode', false],
  primaryColor: ['primary_color', 'blue'],
};

async function findUser(name) {
  for (const lookup of LOOKUPS) {
    const { rows } = await db.query(lookup, [name]);
    if (rows[0]) return rows[0];
  }
  return null;
}

// Cadets imported from a spreadsheet have a stored password that is no hash. bcryptjs throws on some of those.
async function passwordMatches(password, stored) {
  try {
    return await bcrypt.compare(password, stored);
  } catch (err) {
    return false;
  }
}

function publicUser(user) {
  return {
    id: user.id,
    username: user.username,
    email: user.email,
    role: user.role,
    firstName: user.first_name,
    lastName: user.last_name,
    profilePic: user.profile_pic,
  };
}

router.post('/login', wrap(async (req, res) => {
  const { username, password } = req.body;
  if (!username || !password || typeof username !== 'string' || typeof password !== 'string') {
    return res.status(400).json({ message: 'Username and password are required' });
  }
  const user = await findUser(username);
  if (!user || !(await passwordMatches(password, user.password))) {
    return res.status(401).json({ message: 'Invalid credentials' });
  }
  if (user.is_active === false) {
    return res.status(403).json({ message: 'Account is deactivated' });
  }
  if (user.is_approved !== 1) {
    return res.status(403).json({ message: 'Account is pending approval' });
  }
  res.json({
    token: signToken(user),
    role: user.role,
    user: publicUser(user),
    cadetId: user.cadet_id,
    staffId: user.staff_id,
  });
}));

// Nothing to do: the token stays good until it expires.
router.post('/logout', authenticate, (req, res) => {
  res.json({ message: 'Logged out' });
});

router.get('/me', authenticate, wrap(async (req, res) => {
  const { rows } = await db.query(`SELECT ${ME_COLUMNS} FROM users WHERE id = $1`, [req.user.id]);
  if (!rows[0]) return res.status(404).json({ message: 'User not found' });
  res.json(rows[0]);
}));

router.put('/password', authenticate, wrap(async (req, res) => {
  const { currentPassword, newPassword } = req.body;
  const { rows } = await db.query('SELECT password FROM users WHERE id = $1', [req.user.id]);
  if (!rows[0]) return res.status(404).json({ message: 'User not found' });
  if (!(await passwordMatches(currentPassword, rows[0].password))) {
    return res.status(400).json({ message: 'Current password is incorrect' });
  }
  if (typeof newPassword !== 'string' || newPassword.length < 6) {
    return res.status(400).json({ message: 'Password must be at least 6 characters' });
  }
  const hash = await bcrypt.hash(newPassword, 10);
  await db.query('UPDATE users SET password = $1 WHERE id = $2', [hash, req.user.id]);
  res.json({ message: 'Password updated' });
}));

async function readSettings(userId) {
  const { rows } = await db.query('SELECT * FROM user_settings WHERE user_id = $1', [userId]);
  return Object.fromEntries(
    Object.entries(SETTINGS).map(([field, [column, preset]]) => [field, rows[0] ? rows[0][column] : preset]),
  );
}

router.get('/settings', authenticate, wrap(async (req, res) => {
  res.json(await readSettings(req.user.id));
}));

router.put('/settings', authenticate, wrap(async (req, res) => {
  const fields = Object.keys(SETTINGS).filter((field) => req.body[field] !== undefined);
  const columns = ['user_id', ...fields.map((field) => SETTINGS[field][0])];
  const marks = columns.map((_, i) => `$${i + 1}`);
  // user_id is set to itself so that an empty body still has something to update.
  const sets = columns.map((column) => `${column} = EXCLUDED.${column}`);
  await db.query(
    `INSERT INTO user_settings (${columns}) VALUES (${marks}) ON CONFLICT (user_id) DO UPDATE SET ${sets}`,
    [req.user.id, ...fields.map((field) => req.body[field])],
  );
  res.json(await readSettings(req.user.id));
}));

router.post('/heartbeat', authenticate, wrap(async (req, res) => {
  await db.query('UPDATE users SET last_seen = $1 WHERE id = $2', [new Date(), req.user.id]);
  res.json({ ok: true });
}));

module.exports = router;
