'use strict';

const { isIP } = require('node:net');
const { Router } = require('express');
const log = require('../../../shared/log');
const { httpError } = require('../../../shared/http');
const { AuditLog, Message, Setting, User } = require('../models');
const { requireAdmin } = require('../security');

const DAY_MS = 86_400_000;
const recent = (action) => AuditLog.find({ action, timestamp: { $gte: new Date(Date.now() - DAY_MS) } })
  .sort({ timestamp: -1 }).limit(100).lean();

/** The runbook's security, moderation, maintenance and incident endpoints; all want an admin's token. */
function operationsRoutes({ config }) {
  const router = Router();
  const admin = requireAdmin(config);

  async function record(request, action, details) {
    log.warn(`${action} by ${request.admin}`);
    const entry = await AuditLog.create({ action, subject: request.admin, details });
    return entry.id;
  }

  router.get('/security/failed-logins', admin, async (_request, response) => {
    const attempts = await recent('login_failed');
    response.json({ total: attempts.length, attempts });
  });

  router.get('/security/suspicious-activity', admin, async (_request, response) => {
    const activity = await AuditLog.aggregate([
      { $match: { action: 'login_failed', timestamp: { $gte: new Date(Date.now() - DAY_MS) } } },
      { $group: { _id: '$details.ip', failedLogins: { $sum: 1 } } },
      { $match: { failedLogins: { $gte: 5 } } },
    ]);
    response.json({ activity: activity.map(({ _id, failedLogins }) => ({ ip: _id, failedLogins })) });
  });

  router.get('/security/token-usage', admin, async (_request, response) => {
    const uses = await recent('data_access');
    response.json({ total: uses.length, uses });
  });

  router.get('/security/rate-limits', admin, async (_request, response) => {
    response.json({ violations: [], blocked: await recent('block_ip') });
  });

  router.get('/security/api-usage', admin, async (_request, response) => {
    response.json({ users: await User.countDocuments(), messages: await Message.countDocuments() });
  });

  router.get('/moderation/queue', admin, async (_request, response) => {
    response.json({ queue: [] });
  });

  router.get('/moderation/flags', admin, async (_request, response) => {
    response.json({ flags: [] });
  });

  router.post('/security/incident', admin, async (request, response) => {
    const { type, severity, description } = request.body || {};
    if (!type || !severity) throw httpError(400, 'type and severity are required');
    response.status(201).json({ id: await record(request, 'incident', { type, severity, description }) });
  });

  router.post('/security/block-ip', admin, async (request, response) => {
    const { ip, reason } = request.body || {};
    if (!isIP(String(ip))) throw httpError(400, 'ip is not an address');
    response.status(201).json({ id: await record(request, 'block_ip', { ip, reason }) });
  });

  router.post('/security/data-leak-notification', admin, async (request, response) => {
    response.status(202).json({ id: await record(request, 'data_leak_notification', request.body) });
  });

  router.post('/notifications/maintenance', admin, async (request, response) => {
    response.status(202).json({ id: await record(request, 'maintenance_notification', request.body) });
  });

  router.post('/maintenance/:verb', admin, async (request, response) => {
    const { verb } = request.params;
    if (verb !== 'enable' && verb !== 'disable') throw httpError(404, 'Route not found');
    const enabled = verb === 'enable';
    await Setting.updateOne({ _id: 'maintenance' }, { value: { enabled } }, { upsert: true });
    await record(request, `maintenance_${verb}`);
    response.json({ maintenance: enabled });
  });

  return router;
}

module.exports = { operationsRoutes };
