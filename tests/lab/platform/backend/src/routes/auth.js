'use strict';

const { Router } = require('express');
const log = require('../../../shared/log');
const { httpError } = require('../../../shared/http');
const { AuditLog, User } = require('../models');
const { hashPassword, isPasswordRight, issueTokens, requireUser, verifyToken } = require('../security');

function readCredentials(body) {
  const { email, password } = body || {};
  if (typeof email !== 'string' || !/^[^@\s]+@[^@\s]+$/.test(email)) throw httpError(400, 'email is required');
  if (typeof password !== 'string' || password.length < 8) throw httpError(400, 'password of 8 or more is required');
  return { email: email.toLowerCase(), password };
}

/** Registration, login and token refresh. */
function authRoutes({ config }) {
  const router = Router();

  router.post('/register', async (request, response) => {
    const { email, password } = readCredentials(request.body);
    try {
      await User.create({ email, passwordHash: await hashPassword(password) });
    } catch (error) {
      if (error.code === 11000) throw httpError(409, 'email is taken');
      throw error;
    }
    response.status(201).json({ email });
  });

  router.post('/login', async (request, response) => {
    const { email, password } = readCredentials(request.body);
    const user = await User.findOne({ email });
    if (!user || !(await isPasswordRight(password, user.passwordHash))) {
      log.warn(`login failed: unauthorized, email=${JSON.stringify(email)} ip=${request.ip}`);
      await AuditLog.create({ action: 'login_failed', subject: email, details: { ip: request.ip } });
      throw httpError(401, 'Invalid credentials');
    }
    response.json(issueTokens(config, email));
  });

  router.post('/refresh', (request, response) => {
    const claims = verifyToken(String(request.body?.refreshToken || ''), config.refreshKeys);
    response.json(issueTokens(config, claims.sub));
  });

  router.get('/me', requireUser(config), async (request, response) => {
    await AuditLog.create({ action: 'data_access', subject: request.user.sub });
    response.json({ email: request.user.sub });
  });

  return router;
}

module.exports = { authRoutes };
