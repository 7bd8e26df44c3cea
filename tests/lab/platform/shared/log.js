'use strict';

// One line per event on standard output. Takes text only: an error object of a client library can carry
// the command that failed (with its password), so callers pass `error.message` and nothing else.

/** Write one log line: time, level, message. */
function write(level, message) {
  process.stdout.write(`${new Date().toISOString()} ${level} ${message}\n`);
}

module.exports = {
  info: (message) => write('info', message),
  warn: (message) => write('warn', message),
  error: (message) => write('error', message),
};
