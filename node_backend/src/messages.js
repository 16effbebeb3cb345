'use strict';

const db = require('./db');

// For HTTP and for the WebSocket, which differ in how they write the time.
async function storeMessage(room, senderId, { content, subject, recipientId }, createdAt) {
  const { rows } = await db.insert('messages', [
    ['room', room], ['sender_id', senderId], ['recipient_id', recipientId], ['subject', subject],
    ['content', content], ['created_at', createdAt],
  ]);
  return rows[0];
}

module.exports = { storeMessage };
