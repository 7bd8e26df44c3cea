'use strict';

const log = require('./log');

/**
 * Stop the process when a required variable is missing; otherwise log which names are set, never a value.
 *
 * @param {string[]} required names without which the service does not start
 * @param {string[]} optional names that the service reads when they are there
 */
function checkEnvironment(required, optional) {
  const isSet = (name) => Boolean(process.env[name]);
  const missing = required.filter((name) => !isSet(name));
  if (missing.length > 0) {
    log.error(`missing required environment variable: ${missing.join(', ')}`);
    process.exit(1);
  }
  const known = [...required, ...optional];
  log.info(`environment set: ${known.filter(isSet).join(', ')}`);
  log.info(`environment not set: ${known.filter((name) => !isSet(name)).join(', ') || 'none'}`);
}

module.exports = { checkEnvironment };
