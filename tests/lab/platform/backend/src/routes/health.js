'use strict';

const os = require('node:os');
const { Router } = require('express');
const { pingDatabase } = require('../database');

/** Liveness, readiness, the constant "monitoring" answer, and the version. */
function healthRoutes({ release, redis }) {
  const router = Router();

  router.get('/healthz', (_request, response) => {
    if (release.behaviour.never_healthy) return response.status(503).json({ status: 'error' });
    return response.json({ status: 'ok' });
  });

  // Waits for Redis as long as it takes: see connectRedis.
  router.get('/api/v1/health', async (_request, response) => {
    const databaseOk = await pingDatabase();
    const redisOk = await redis.ping().then(() => true, () => false);
    const healthy = databaseOk && redisOk;
    response.status(healthy ? 200 : 503).json({
      status: healthy ? 'healthy' : 'degraded',
      services: { database: databaseOk ? 'connected' : 'disconnected', redis: redisOk ? 'ok' : 'disconnected' },
    });
  });

  // Looks at nothing, and has none of the keys that the runbook shows: so does the real one.
  router.get('/api/v1/monitoring/health', (_request, response) => {
    response.json({ status: 'healthy', timestamp: new Date().toISOString(), uptime: process.uptime() });
  });

  router.get('/version', (_request, response) => {
    response.json({ version: release.version, answer: release.answer, instance: os.hostname() });
  });

  return router;
}

module.exports = { healthRoutes };
