'use strict';

const path = require('node:path');
const { checkEnvironment } = require('../../shared/environment');

const REQUIRED = ['MONGODB_URI', 'REDIS_URL', 'JWT_SECRET', 'JWT_REFRESH_SECRET', 'ENCRYPTION_KEY'];

// The names as the code of the platform spells them, which are not always the runbook's.
const OPTIONAL = [
  'NODE_ENV', 'PORT', 'TZ', 'CORS_ORIGIN', 'UPLOADS_DIR', 'ADMIN_JWT_SECRET',
  'AI_ENGINE_URL', 'AI_ENGINE_SECRET',
  'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_REGION',
  'S3_BUCKET', 'S3_REGION', 'S3_ACCESS_KEY', 'S3_SECRET_KEY',
  'AGORA_APP_ID', 'AGORA_APP_CERTIFICATE',
  'STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET', 'ESEWA_MERCHANT_ID', 'ESEWA_SECRET_KEY',
  'KHALTI_PUBLIC_KEY', 'KHALTI_SECRET_KEY', 'PAYPAL_CLIENT_ID', 'PAYPAL_CLIENT_SECRET',
  'SENDGRID_API_KEY', 'TWILIO_ACCOUNT_SID', 'TWILIO_AUTH_TOKEN', 'TWILIO_PHONE_NUMBER',
  'ENABLE_AI', 'ENABLE_PAYMENTS', 'ENABLE_NOTIFICATIONS', 'ENABLE_MODERATION', 'ENABLE_ANALYTICS',
];
const PREVIOUS_KEYS = ['JWT_SECRET_PREVIOUS', 'JWT_REFRESH_SECRET_PREVIOUS'];

/**
 * Read the environment once; exits with status 1 when a required name is missing.
 *
 * @param {object} behaviour flags of the release: it may require more names, or know a previous JWT key
 */
function loadConfig(behaviour) {
  const extra = behaviour.jwt_previous_key ? PREVIOUS_KEYS : [];
  checkEnvironment([...REQUIRED, ...(behaviour.requires_variables || [])], [...OPTIONAL, ...extra]);
  const env = process.env;
  const keys = (name) => [env[name], behaviour.jwt_previous_key ? env[`${name}_PREVIOUS`] : undefined].filter(Boolean);
  return {
    port: Number(env.PORT || 5010),
    httpsRequired: env.NODE_ENV === 'production',
    mongodbUri: env.MONGODB_URI,
    redisUrl: env.REDIS_URL,
    accessKeys: keys('JWT_SECRET'),
    refreshKeys: keys('JWT_REFRESH_SECRET'),
    adminKey: env.ADMIN_JWT_SECRET,
    encryptionKey: env.ENCRYPTION_KEY,
    corsOrigin: env.CORS_ORIGIN,
    uploadsDir: path.resolve(env.UPLOADS_DIR || 'uploads'),
    aiEngineUrl: env.AI_ENGINE_URL,
    aiEngineSecret: env.AI_ENGINE_SECRET,
    stripeKey: env.STRIPE_SECRET_KEY,
    stripeWebhookSecret: env.STRIPE_WEBHOOK_SECRET,
    paymentsEnabled: env.ENABLE_PAYMENTS !== 'false',
    aiEnabled: env.ENABLE_AI !== 'false',
  };
}

module.exports = { loadConfig };
