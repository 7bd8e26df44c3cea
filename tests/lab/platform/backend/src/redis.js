'use strict';

const os = require('node:os');
const Redis = require('ioredis');
const Queue = require('bull');
const log = require('../../shared/log');

const LOG_INTERVAL_MS = 10_000;
const JOB_MS = 50;

/** A logger of errors that says at most one line per ten seconds: clients report every reconnection. */
function createErrorLog(name) {
  let loggedAt = 0;
  return (error) => {
    if (Date.now() - loggedAt < LOG_INTERVAL_MS) return;
    loggedAt = Date.now();
    log.warn(`${name}: ${error.message}`);
  };
}

/**
 * Open one Redis connection that never gives up.
 *
 * Commands given while Redis is away wait in the client's queue without limit. That is why readiness
 * does not answer at all while Redis is down, and answers when it is back: so does the real platform.
 */
function connectRedis(url, name, options = {}) {
  const client = new Redis(url, {
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => Math.min(attempt * 200, 2000),
    ...options,
  });
  client.on('error', createErrorLog(`redis ${name}`));
  client.on('ready', () => log.info(`redis ${name}: ready`));
  return client;
}

/** The bull queue `jobs`, worked off by this same process. */
function openQueue(url) {
  const queue = new Queue('jobs', {
    createClient: (type) => connectRedis(url, `queue-${type}`, { enableReadyCheck: false }),
    defaultJobOptions: { removeOnComplete: { age: 3600, count: 1000 }, removeOnFail: { age: 86_400, count: 1000 } },
  });
  const logError = createErrorLog('queue');
  queue.on('error', logError);
  queue.process(5, async (job) => {
    await new Promise((resolve) => setTimeout(resolve, JOB_MS));
    return { echo: job.data.payload, worker: os.hostname() };
  }).catch(logError);
  return queue;
}

module.exports = { connectRedis, openQueue };
