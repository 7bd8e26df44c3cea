'use strict';

const log = require('./log');

// Each broken release is the good code plus one of these, chosen in release.json.

/** Fail the way a build does that forgot a dependency: the module is in no lock file. */
function requireMissingModule(behaviour) {
  if (behaviour.missing_module) require(behaviour.missing_module);
}

/** Resolve once the process is `start_seconds` old: the time the real service takes before it listens. */
function waitUntilStarted(behaviour) {
  const remainingSeconds = (behaviour.start_seconds || 0) - process.uptime();
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, remainingSeconds * 1000)));
}

/** Begin what goes wrong after a good start: a crash after a while, or memory that is never given back. */
function misbehaveWhileRunning(behaviour) {
  if (behaviour.crash_after_seconds) {
    setTimeout(() => {
      log.error('fatal: internal state is inconsistent, exiting');
      process.exit(1);
    }, behaviour.crash_after_seconds * 1000);
  }
  if (behaviour.leak_mb_per_second) {
    const kept = [];
    setInterval(() => kept.push(Buffer.alloc(behaviour.leak_mb_per_second * 1024 * 1024, 1)), 1000);
  }
}

module.exports = { requireMissingModule, waitUntilStarted, misbehaveWhileRunning };
