'use strict';

const express = require('express');
const log = require('../../shared/log');
const { answerError, httpError, routeNotFound, sendJson } = require('../../shared/http');
const { isDatabaseConnected } = require('./database');
const { createMaintenance } = require('./maintenance');
const { createMetrics } = require('./metrics');
const { authRoutes } = require('./routes/auth');
const { contentRoutes } = require('./routes/content');
const { healthRoutes } = require('./routes/health');
const { operationsRoutes } = require('./routes/operations');
const { paymentRoutes } = require('./routes/payments');
const { uploadRoutes } = require('./routes/uploads');

const QUIET = new Set(['/healthz', '/api/v1/health', '/api/v1/monitoring/health', '/metrics']);

/**
 * Middleware: refuse plain HTTP but for the paths that probes read.
 *
 * Releases that export metrics let /metrics through as well: Prometheus 2 cannot send the header.
 */
function requireHttps(config, behaviour) {
  const open = new Set(['/healthz', '/api/v1/monitoring/health', ...(behaviour.metrics_enabled ? ['/metrics'] : [])]);
  return (request, response, next) => {
    const path = request.url.split('?', 1)[0];
    const isSecure = request.headers['x-forwarded-proto'] === 'https';
    if (!config.httpsRequired || isSecure || open.has(path)) return next();
    return sendJson(response, 403, { error: 'HTTPS required' });
  };
}

function logRequests(request, response, next) {
  const { path, method } = request;
  const startedAt = Date.now();
  response.on('finish', () => {
    if (!QUIET.has(path)) log.info(`${method} ${path} ${response.statusCode} ${Date.now() - startedAt}ms`);
  });
  next();
}

function allowOrigin(config) {
  const origins = new Set(config.corsOrigin?.split(','));
  return (request, response, next) => {
    const { origin } = request.headers;
    if (origins.has(origin)) {
      response.set({ 'Access-Control-Allow-Origin': origin, 'Access-Control-Allow-Credentials': 'true', Vary: 'Origin' });
    }
    if (request.method !== 'OPTIONS') return next();
    response.set('Access-Control-Allow-Headers', 'authorization, content-type');
    return response.sendStatus(204);
  };
}

/** Turn a database error into a 503 while MongoDB is away. */
function explainDatabaseError(error, _request, _response, next) {
  const isFromDatabase = /^Mongo/.test(error.name || '');
  next(isFromDatabase && !isDatabaseConnected() ? httpError(503, 'Database unavailable') : error);
}

/**
 * The whole HTTP interface.
 *
 * @param {object} context `config`, `release`, `redis` (client), `queue` (bull)
 * @returns {{app: Function, guard: Function}} the application, and the HTTPS rule for socket.io to share
 */
function createApp(context) {
  const { config, release } = context;
  const { behaviour } = release;
  const guard = requireHttps(config, behaviour);
  const absent = new Set((behaviour.absent_endpoints || []).map((name) => `/api/v1/${name}`));

  const app = express();
  app.disable('x-powered-by');
  app.set('trust proxy', 1);
  app.use(logRequests);
  if (behaviour.metrics_enabled) {
    const metrics = createMetrics();
    app.use(metrics.measure, guard);
    app.get(['/metrics', '/api/v1/monitoring/metrics'], metrics.expose);
  } else {
    app.use(guard);
  }
  app.use(allowOrigin(config));
  app.use((request, response, next) => (absent.has(request.path) ? routeNotFound(request, response) : next()));
  app.use(healthRoutes(context));
  app.use(createMaintenance());
  app.use('/api/v1/payments/stripe', paymentRoutes(context)); // before express.json: the webhook signs raw bytes
  app.use(express.json());
  app.use('/api/v1/auth', authRoutes(context));
  app.use('/api/v1', contentRoutes(context));
  app.use('/api/v1', operationsRoutes(context));
  app.use('/uploads', uploadRoutes(context));
  app.use(routeNotFound);
  app.use(explainDatabaseError, answerError);
  return { app, guard };
}

module.exports = { createApp };
