'use strict';

const crypto = require('node:crypto');
const { promisify } = require('node:util');
const jwt = require('jsonwebtoken');
const { httpError } = require('../../shared/http');

const scrypt = promisify(crypto.scrypt);
const ACCESS_SECONDS = 900;
const REFRESH_SECONDS = 7 * 86_400;

/** Hash a password for storage: `salt:hash`, both hexadecimal. */
async function hashPassword(password) {
  const salt = crypto.randomBytes(16).toString('hex');
  return `${salt}:${(await scrypt(password, salt, 32)).toString('hex')}`;
}

/** Whether the password belongs to the stored hash. */
async function isPasswordRight(password, stored) {
  const [salt, hash] = stored.split(':');
  return crypto.timingSafeEqual(await scrypt(password, salt, 32), Buffer.from(hash, 'hex'));
}

/** Sign an access and a refresh token, always with the current (first) key. */
function issueTokens(config, email) {
  return {
    token: jwt.sign({ sub: email }, config.accessKeys[0], { expiresIn: ACCESS_SECONDS }),
    refreshToken: jwt.sign({ sub: email }, config.refreshKeys[0], { expiresIn: REFRESH_SECONDS }),
    expiresIn: ACCESS_SECONDS,
  };
}

/** Return the claims of a token signed with one of the keys; otherwise a 401. */
function verifyToken(token, keys) {
  for (const key of keys) {
    try {
      return jwt.verify(token, key, { algorithms: ['HS256'] });
    } catch {
      continue;
    }
  }
  throw httpError(401, 'Unauthorized');
}

function bearerToken(request) {
  return (request.get('authorization') || '').replace(/^Bearer /i, '');
}

/** Middleware: the request carries a valid user token; its claims are put at `request.user`. */
function requireUser(config) {
  return (request, _response, next) => {
    request.user = verifyToken(bearerToken(request), config.accessKeys);
    next();
  };
}

/** Middleware: the request carries a token signed with ADMIN_JWT_SECRET that says `role: admin`. */
function requireAdmin(config) {
  return (request, _response, next) => {
    const claims = verifyToken(bearerToken(request), config.adminKey ? [config.adminKey] : []);
    if (claims.role !== 'admin') throw httpError(403, 'Forbidden');
    request.admin = claims.sub || 'admin';
    next();
  };
}

/** Encrypt and decrypt stored text with AES-256-GCM under ENCRYPTION_KEY. */
function createCipher(encryptionKey) {
  const key = crypto.createHash('sha256').update(encryptionKey).digest();
  return {
    encrypt(text) {
      const nonce = crypto.randomBytes(12);
      const cipher = crypto.createCipheriv('aes-256-gcm', key, nonce);
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
    },
    decrypt(stored) {
      const bytes = Buffer.from(stored, 'base64');
      const decipher = crypto.createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12));
      decipher.setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
    },
  };
}

module.exports = {
  hashPassword, isPasswordRight, issueTokens, verifyToken, requireUser, requireAdmin, createCipher,
};
