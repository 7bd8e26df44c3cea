'use strict';

const { isDatabaseConnected } = require('./database');
const { Setting } = require('./models');
const { sendJson } = require('../../shared/http');

const POLL_MS = 2000;
const STILL_SERVED = /^\/api\/v1\/(health|monitoring|auth|security|moderation\/(queue|flags)|maintenance|notifications)/;

/** Middleware: while an operator has maintenance enabled, the API answers 503 on every instance. */
function createMaintenance() {
  let enabled = false;
  setInterval(async () => {
    if (!isDatabaseConnected()) return;
    const setting = await Setting.findById('maintenance').lean().catch(() => null);
    if (setting) enabled = Boolean(setting.value?.enabled);
  }, POLL_MS).unref();

  return (request, response, next) => {
    if (!enabled || !request.path.startsWith('/api/') || STILL_SERVED.test(request.path)) return next();
    response.setHeader('Retry-After', '60');
    return sendJson(response, 503, { success: false, error: 'Maintenance' });
  };
}

module.exports = { createMaintenance };
