'use strict';

const mongoose = require('mongoose');
const log = require('../../shared/log');
const { createIndexes } = require('./models');

const CONNECT_OPTIONS = {
  maxPoolSize: 10,
  serverSelectionTimeoutMS: 10_000,
  heartbeatFrequencyMS: 2000, // a database that is back is noticed within two seconds
  bufferCommands: false,
  autoCreate: false,
  autoIndex: false,
};
const RETRY_DELAY_MS = 1000;

/**
 * Connect to MongoDB and keep trying: Mongoose gives up when its first attempt fails, and the service
 * runs on in limited mode until the database is there.
 */
async function connectDatabase(uri) {
  mongoose.connection.on('disconnected', () => log.warn('mongodb: disconnected'));
  mongoose.connection.on('connected', () => log.info('mongodb: connected'));
  mongoose.connection.on('error', (error) => log.warn(`mongodb: ${error.message}`));
  for (;;) {
    try {
      await mongoose.connect(uri, CONNECT_OPTIONS);
      break;
    } catch (error) {
      log.warn(`mongodb: not connected, running in limited mode: ${error.message}`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_DELAY_MS));
    }
  }
  await createIndexes().catch((error) => log.warn(`mongodb: indexes not created: ${error.message}`));
}

/** Whether MongoDB can be used now, as far as the driver knows. */
function isDatabaseConnected() {
  return mongoose.connection.readyState === mongoose.ConnectionStates.connected;
}

/** Ask MongoDB for a sign of life; answers at once when the driver already knows that it is gone. */
async function pingDatabase() {
  if (!isDatabaseConnected()) return false;
  try {
    await mongoose.connection.db.admin().ping();
    return true;
  } catch {
    return false;
  }
}

module.exports = { CONNECT_OPTIONS, connectDatabase, isDatabaseConnected, pingDatabase };
