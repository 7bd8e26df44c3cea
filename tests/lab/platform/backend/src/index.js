'use strict';

const fs = require('node:fs');
const http = require('node:http');
const log = require('../../shared/log');
const { dieAtSigterm, listen, surviveRejections } = require('../../shared/http');
const { misbehaveWhileRunning, requireMissingModule, waitUntilStarted } = require('../../shared/misbehave');
const { loadRelease } = require('../../shared/release');
const { createApp } = require('./app');
const { loadConfig } = require('./config');
const { connectDatabase } = require('./database');
const { attachRealtime } = require('./realtime');
const { connectRedis, openQueue } = require('./redis');

async function main() {
  const release = loadRelease('backend');
  log.info(`backend ${release.version} starting`);
  requireMissingModule(release.behaviour);
  const config = loadConfig(release.behaviour);
  dieAtSigterm();
  surviveRejections();
  try {
    fs.mkdirSync(config.uploadsDir, { recursive: true });
  } catch (error) {
    log.warn(`uploads: ${error.message}`);
  }
  connectDatabase(config.mongodbUri);
  const redis = connectRedis(config.redisUrl, 'main');
  const queue = openQueue(config.redisUrl);
  const { app, guard } = createApp({ config, release, redis, queue });
  const server = http.createServer(app);
  attachRealtime(server, config, guard);
  await waitUntilStarted(release.behaviour);
  await listen(server, config.port);
  misbehaveWhileRunning(release.behaviour);
}

main().catch((error) => {
  log.error(`fatal: ${error.message}`);
  process.exit(1);
});
