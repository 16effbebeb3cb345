'use strict';

const { WebSocket } = require('ws');

const WITHIN_MS = 5000;

// A WebSocket client that can be asked for one frame after the other.
function open(port, target) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${target}`);
  const arrived = [];
  const waiting = [];
  socket.on('message', (data) => {
    const frame = JSON.parse(data);
    if (waiting.length) waiting.shift()(frame);
    else arrived.push(frame);
  });
  const client = {
    socket,
    // The status of a refused handshake.
    refused: new Promise((done) => {
      socket.on('unexpected-response', (req, res) => { req.destroy(); done(res.statusCode); });
    }),
    closed: new Promise((done) => { socket.on('close', (code, reason) => done([code, reason.toString()])); }),
    next: () => new Promise((done, fail) => {
      if (arrived.length) return done(arrived.shift());
      const timer = setTimeout(() => fail(new Error(`no frame on ${target}`)), WITHIN_MS);
      return waiting.push((frame) => { clearTimeout(timer); done(frame); });
    }),
    say: (frame) => socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)),
    // What has arrived by the time the server answers a ping: nothing else can be on its way.
    async settled() {
      client.say({ type: 'ping', data: 'settled' });
      const frames = [];
      for (;;) {
        const frame = await client.next();
        if (frame.type === 'pong' && frame.data === 'settled') return frames;
        frames.push(frame);
      }
    },
    async close() {
      socket.close();
      await client.closed;
    },
  };
  socket.on('error', () => {});
  return client;
}

// Open, and past the greeting.
async function connect(port, target, token) {
  const client = open(port, `${target}?token=${token}`);
  const frame = await client.next();
  if (frame.type !== 'connected') throw new Error(`greeted by ${JSON.stringify(frame)}`);
  return client;
}

module.exports = { open, connect };
