'use strict';

// Who listens where. It lives in this process: a second one would not hear what is said in the first.
const channels = new Map();

function join(channel, client) {
  if (!channels.has(channel)) channels.set(channel, new Set());
  channels.get(channel).add(client);
}

function leave(channel, client) {
  const clients = channels.get(channel);
  if (!clients) return;
  clients.delete(client);
  if (!clients.size) channels.delete(channel);
}

function send(client, type, data) {
  client.socket.send(JSON.stringify({ type, data }));
}

// `wanted` picks the clients by their user.
function publish(channel, type, data, wanted = () => true) {
  for (const client of channels.get(channel) || []) {
    if (wanted(client.user.id, client)) send(client, type, data);
  }
}

// To everybody who looks at a page that may show the row. The id is null when there were many.
function publishUpdate(resource, action, id) {
  publish('updates', 'update', { resource, action, id });
}

function publishMessage(row) {
  const forAll = row.recipient_id === null;
  publish(`chat:${row.room}`, 'message', row, (id) => forAll || id === row.sender_id || id === row.recipient_id);
}

module.exports = { join, leave, send, publish, publishUpdate, publishMessage };
