'use strict';

const express = require('express');
const db = require('../db');
const { storeMessage } = require('../messages');
const { authenticate, adminOnly } = require('../middleware/auth');
const { wrap } = require('../middleware/wrap');
const { notify } = require('../notify');
const { publishMessage } = require('../realtime/hub');
const { conditions } = require('../where');

const router = express.Router();

router.get('/rooms/:room/messages', authenticate, wrap(async (req, res) => {
  const { where, params, add } = conditions();
  add('room = ?', req.params.room);
  add('(recipient_id IS NULL OR recipient_id = ? OR sender_id = ?)', req.user.id);
  res.json(await db.list(req, 'messages', where, params, 'created_at DESC'));
}));

router.post('/rooms/:room/messages', authenticate, wrap(async (req, res) => {
  if (!req.body.content) {
    return res.status(400).json({ message: 'Content is required' });
  }
  const row = await storeMessage(req.params.room, req.user.id, req.body, new Date());
  publishMessage(row);
  res.json(row);
}));

router.get('/notifications', authenticate, wrap(async (req, res) => {
  const { where, params, add } = conditions();
  add('(user_id = ? OR user_id IS NULL)', req.user.id);
  if (req.query.unread === 'true') where.push('is_read IS NOT TRUE');
  res.json(await db.list(req, 'notifications', where, params, 'created_at DESC'));
}));

// Before /:id/read. Broadcasts are left alone here, or one reader would take them from all.
router.put('/notifications/read-all', authenticate, wrap(async (req, res) => {
  const { rowCount } = await db.query(
    'UPDATE notifications SET is_read = true WHERE user_id = $1 AND is_read IS NOT TRUE', [req.user.id],
  );
  res.json({ updated: rowCount });
}));

// A broadcast is one row with one flag: whoever reads it first has read it for everybody.
router.put('/notifications/:id/read', authenticate, wrap(async (req, res) => {
  await db.query(
    'UPDATE notifications SET is_read = true WHERE id = $1 AND (user_id = $2 OR user_id IS NULL)',
    [parseInt(req.params.id), req.user.id],
  );
  res.json({ message: 'Notification marked as read' });
}));

router.delete('/notifications/:id', authenticate, wrap(async (req, res) => {
  await db.query(
    'DELETE FROM notifications WHERE id = $1 AND (user_id = $2 OR (user_id IS NULL AND $3))',
    [parseInt(req.params.id), req.user.id, req.user.role === 'admin'],
  );
  res.json({ message: 'Notification deleted' });
}));

router.post('/broadcast', adminOnly, wrap(async (req, res) => {
  const { message, type, priority } = req.body;
  if (!message) {
    return res.status(400).json({ message: 'Message is required' });
  }
  res.json(await notify(null, type || 'system', message, priority || 'normal'));
}));

// A browser that changes its user keeps its endpoint, so the row changes hands.
router.post('/push/subscribe', authenticate, wrap(async (req, res) => {
  const { endpoint, keys } = req.body;
  if (!endpoint || !keys) {
    return res.status(400).json({ message: 'Endpoint and keys are required' });
  }
  await db.upsert(
    'push_subscriptions',
    [['endpoint', endpoint]],
    [['user_id', req.user.id], ['keys', JSON.stringify(keys)]],
    [['created_at', new Date()]],
  );
  res.json({ message: 'Subscribed' });
}));

router.post('/push/unsubscribe', authenticate, wrap(async (req, res) => {
  await db.query('DELETE FROM push_subscriptions WHERE endpoint = $1', [req.body.endpoint]);
  res.json({ message: 'Unsubscribed' });
}));

module.exports = router;
