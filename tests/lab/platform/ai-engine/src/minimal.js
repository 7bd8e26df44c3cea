'use strict';

const crypto = require('node:crypto');
const http = require('node:http');
const os = require('node:os');
const express = require('express');
const Redis = require('ioredis');
const mongoose = require('mongoose');
const log = require('../../shared/log');
const { checkEnvironment } = require('../../shared/environment');
const {
  answerError, dieAtSigterm, httpError, listen, routeNotFound, surviveRejections,
} = require('../../shared/http');
const { misbehaveWhileRunning, requireMissingModule, waitUntilStarted } = require('../../shared/misbehave');
const { loadRelease } = require('../../shared/release');

const CONNECT_OPTIONS = {
  maxPoolSize: 5,
  serverSelectionTimeoutMS: 10_000,
  heartbeatFrequencyMS: 2000,
  bufferCommands: false,
};
const PROBE_MS = 2000;
const RETRY_DELAY_MS = 1000;
const FLAGGED_WORDS = ['spam', 'scam', 'abuse'];

async function connectDatabase(uri) {
  mongoose.connection.on('error', (error) => log.warn(`mongodb: ${error.message}`));
  for (;;) {
    try {
      await mongoose.connect(uri, CONNECT_OPTIONS);
      return log.info('mongodb: connected');
    } catch (error) {
      log.warn(`mongodb: not connected: ${error.message}`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
    }
  }
}

function connectRedis(url) {
  const client = new Redis(url, { maxRetriesPerRequest: 1, retryStrategy: (n) => Math.min(n * 200, 2000) });
  let lastMessage;
  client.on('error', (error) => {
    if (error.message !== lastMessage) log.warn(`redis: ${error.message}`);
    lastMessage = error.message;
  });
  client.on('ready', () => {
    lastMessage = undefined;
    log.info('redis: ready');
  });
  return client;
}

/** Whether the promise is kept within the deadline of a probe. */
function isKept(promise) {
  const late = new Promise((resolve) => setTimeout(resolve, PROBE_MS, false).unref());
  return Promise.race([promise.then(() => true, () => false), late]);
}

/** Readiness: 200 when MongoDB and Redis answer, else 503; OpenAI is only looked at for its key. */
function healthRoute(redis) {
  return async (_request, response) => {
    const isConnected = mongoose.connection.readyState === mongoose.ConnectionStates.connected;
    const [databaseOk, redisOk] = await Promise.all([
      isConnected && isKept(mongoose.connection.db.admin().ping()),
      redis ? isKept(redis.ping()) : false,
    ]);
    const healthy = databaseOk && redisOk;
    response.status(healthy ? 200 : 503).json({
      status: healthy ? 'healthy' : 'degraded',
      timestamp: new Date().toISOString(),
      services: {
        openai: process.env.OPENAI_API_KEY ? 'configured' : 'not configured',
        database: databaseOk ? 'connected' : 'disconnected',
        redis: redisOk ? 'connected' : 'disconnected',
      },
    });
  };
}

/** Middleware: the caller knows AI_SERVICE_SECRET, which the backend calls AI_ENGINE_SECRET. */
function requireServiceSecret(secret) {
  const digest = (text) => crypto.createHash('sha256').update(text).digest();
  return (request, _response, next) => {
    const given = request.get('x-service-secret') || '';
    if (!crypto.timingSafeEqual(digest(given), digest(secret))) throw httpError(401, 'Unauthorized');
    next();
  };
}

function createApp(release, redis) {
  const { behaviour } = release;
  const app = express();
  app.disable('x-powered-by');
  app.get('/healthz', (_request, response) => {
    response.status(behaviour.never_healthy ? 503 : 200).json({ status: behaviour.never_healthy ? 'error' : 'ok' });
  });
  app.get(['/health', ...(behaviour.api_health_enabled ? ['/api/v1/health'] : [])], healthRoute(redis));
  app.get('/version', (_request, response) => {
    response.json({ version: release.version, answer: release.answer, instance: os.hostname() });
  });
  app.post('/api/v1/moderate', requireServiceSecret(process.env.AI_SERVICE_SECRET), express.json(), (request, response) => {
    const text = String(request.body?.text || '').toLowerCase();
    const words = FLAGGED_WORDS.filter((word) => text.includes(word));
    response.json({ flagged: words.length > 0, words });
  });
  app.use(routeNotFound);
  app.use(answerError);
  return app;
}

async function main() {
  const release = loadRelease('ai-engine');
  const { behaviour } = release;
  log.info(`ai-engine ${release.version} starting`);
  requireMissingModule(behaviour);
  checkEnvironment(
    ['AI_SERVICE_SECRET', ...(behaviour.requires_variables || [])],
    ['NODE_ENV', 'PORT', 'TZ', 'MONGODB_URI', 'REDIS_URL', 'OPENAI_API_KEY'],
  );
  dieAtSigterm();
  surviveRejections();
  if (process.env.MONGODB_URI) connectDatabase(process.env.MONGODB_URI);
  const redis = process.env.REDIS_URL ? connectRedis(process.env.REDIS_URL) : null;
  const server = http.createServer(createApp(release, redis));
  await waitUntilStarted(behaviour);
  await listen(server, Number(process.env.PORT || 5020));
  misbehaveWhileRunning(behaviour);
}

main().catch((error) => {
  log.error(`fatal: ${error.message}`);
  process.exit(1);
});
