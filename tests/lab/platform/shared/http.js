'use strict';

const log = require('./log');

/** Answer with JSON on a plain Node response (socket.io's engine hands over one that is not Express's). */
function sendJson(response, status, body) {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
  response.end(text);
}

/** Last route: nothing matched. */
function routeNotFound(request, response) {
  sendJson(response, 404, { success: false, error: 'Route not found', path: request.path });
}

/** Last error handler: client errors keep their status, the rest is a 500 whose reason only the log has. */
function answerError(error, request, response, _next) {
  const status = error.status || error.statusCode || 500;
  if (status >= 500) log.error(`${request.method} ${request.path} failed: ${error.message}`);
  if (response.headersSent) return response.destroy();
  const reason = error.expose || status < 500 ? error.message : 'Internal server error';
  return sendJson(response, status, { success: false, error: reason });
}

/** An error that answers the request with `status` and `message`. */
function httpError(status, message) {
  return Object.assign(new Error(message), { status, expose: true });
}

/**
 * Die at SIGTERM as the real service does: at once, without waiting for requests in flight.
 *
 * A handler is needed because the kernel ignores SIGTERM for process 1 when there is none.
 */
function dieAtSigterm() {
  process.on('SIGTERM', () => {
    log.info('SIGTERM received, exiting');
    process.exit(0);
  });
}

/** Keep running when a client library rejects a promise nobody waits for (Redis or MongoDB went away). */
function surviveRejections() {
  process.on('unhandledRejection', (reason) => log.warn(`unhandled rejection: ${reason?.message || 'unknown'}`));
}

/** Listen with the keep-alive time of the real service: five seconds. */
function listen(server, port) {
  server.keepAliveTimeout = 5000;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => {
      log.info(`listening on port ${port}`);
      resolve();
    });
  });
}

module.exports = { sendJson, routeNotFound, answerError, httpError, dieAtSigterm, surviveRejections, listen };
