'use strict';

const os = require('node:os');
const { Server } = require('socket.io');
const { createAdapter } = require('@socket.io/redis-adapter');
const { connectRedis } = require('./redis');

/**
 * Attach socket.io to the server: `echo`, `join` a room, `say` to everyone in a room on any instance.
 *
 * @param {Function} guard middleware that every handshake passes, the same as for plain requests
 */
function attachRealtime(server, config, guard) {
  const io = new Server(server, { cors: { origin: config.corsOrigin?.split(',') || false } });
  io.adapter(createAdapter(
    connectRedis(config.redisUrl, 'socket-publish'),
    connectRedis(config.redisUrl, 'socket-subscribe'),
  ));
  io.engine.use(guard);
  io.on('connection', (socket) => {
    const reply = (acknowledge, value) => typeof acknowledge === 'function' && acknowledge(value);
    socket.on('echo', (payload, acknowledge) => reply(acknowledge, payload));
    socket.on('join', (room, acknowledge) => {
      socket.join(String(room));
      reply(acknowledge, { joined: String(room), instance: os.hostname() });
    });
    socket.on('say', (message, acknowledge) => {
      io.to(String(message?.room)).emit('said', { ...message, instance: os.hostname() });
      reply(acknowledge, { ok: true });
    });
  });
  return io;
}

module.exports = { attachRealtime };
