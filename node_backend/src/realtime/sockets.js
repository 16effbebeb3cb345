'use strict';

const { WebSocketServer } = require('ws');
const { verifyToken } = require('../middleware/auth');
const { storeMessage } = require('../messages');
const { join, leave, send, publish, publishMessage } = require('./hub');

const PATH = /^\/ws\/(?:(notifications|updates)|chat\/([^/]+))\/?$/i;
const BAD_TOKEN = 4001;
const GOING_AWAY = 1001;
const GRACE_MS = 1000;

// A longer message closes its connection with 1009.
const wss = new WebSocketServer({ noServer: true, maxPayload: 65536 });

function channelOf(pathname) {
  const found = PATH.exec(pathname);
  if (!found) return null;
  try {
    return found[1] ? found[1].toLowerCase() : `chat:${decodeURIComponent(found[2])}`;
  } catch (err) {
    return null;
  }
}

async function say(client, data) {
  const { content, subject, recipientId } = data || {};
  if (!content || typeof content !== 'string') {
    return send(client, 'error', { message: 'Content is required' });
  }
  // An ISO string: the database keeps its reading and drops the Z, so this is UTC whatever the zone of the process.
  const createdAt = new Date().toISOString();
  publishMessage(await storeMessage(client.room, client.user.id, { content, subject, recipientId }, createdAt));
}

const CHAT = {
  message: say,
  typing: (client) => publish(client.channel, 'typing', { userId: client.user.id }, (id, other) => other !== client),
};
const ALL = {
  ping: (client, data) => send(client, 'pong', data === undefined ? {} : data),
};

function parse(data, isBinary) {
  if (isBinary) throw new Error('Text frames only');
  let frame;
  try {
    frame = JSON.parse(data);
  } catch (err) {
    throw new Error('Invalid JSON');
  }
  if (!frame || typeof frame.type !== 'string') throw new Error('Invalid message');
  return frame;
}

async function receive(client, data, isBinary) {
  try {
    const frame = parse(data, isBinary);
    const handlers = client.room === undefined ? ALL : { ...ALL, ...CHAT };
    if (!Object.hasOwn(handlers, frame.type)) throw new Error(`Unknown type: ${frame.type}`);
    await handlers[frame.type](client, frame.data);
  } catch (err) {
    // The raw text, that of the database too, as over HTTP.
    send(client, 'error', { message: err.message });
  }
}

function welcome(socket, user, channel) {
  const room = channel.startsWith('chat:') ? channel.slice(5) : undefined;
  const client = { socket, user, channel, room };
  let last = Promise.resolve();
  join(channel, client);
  socket.on('close', () => leave(channel, client));
  // One after the other, so that what somebody says is stored in the order in which it was said.
  socket.on('message', (data, isBinary) => {
    last = last.then(() => receive(client, data, isBinary));
  });
  send(client, 'connected', { userId: user.id });
}

// A bad token is told with a close code and so after the handshake: a browser shows no reason of a refused one.
function admit(socket, token, channel) {
  socket.on('error', (err) => console.error(`websocket: ${err.message}`));
  if (!token) return socket.close(BAD_TOKEN, 'No token provided');
  let user;
  try {
    user = verifyToken(token);
  } catch (err) {
    return socket.close(BAD_TOKEN, 'Session expired or invalid token');
  }
  welcome(socket, user, channel);
}

function upgrade(req, socket, head) {
  const mark = req.url.indexOf('?');
  const pathname = mark < 0 ? req.url : req.url.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : req.url.slice(mark + 1));
  const channel = channelOf(pathname);
  socket.on('error', (err) => console.error(`upgrade: ${err.message}`));
  if (!channel) {
    return socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  }
  wss.handleUpgrade(req, socket, head, (ws) => admit(ws, query.get('token'), channel));
}

function attach(server) {
  server.on('upgrade', upgrade);
}

function closeAll() {
  for (const socket of wss.clients) {
    socket.close(GOING_AWAY);
    setTimeout(() => socket.terminate(), GRACE_MS).unref();
  }
}

module.exports = { attach, closeAll };
