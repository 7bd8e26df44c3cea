'use strict';

const prometheus = require('prom-client');

/** Metrics under the names that the runbook's alerts use. */
function createMetrics() {
  const registry = new prometheus.Registry();
  prometheus.collectDefaultMetrics({ register: registry });
  const labelNames = ['method', 'route', 'status'];
  const requests = new prometheus.Counter({
    name: 'http_requests_total', help: 'HTTP requests answered', labelNames, registers: [registry],
  });
  const duration = new prometheus.Histogram({
    name: 'http_request_duration_seconds', help: 'Time to answer an HTTP request', labelNames, registers: [registry],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 2.5, 5, 10],
  });

  /** Middleware: count and time each answer, under the route's pattern and not its path. */
  function measure(request, response, next) {
    const stop = duration.startTimer();
    response.on('finish', () => {
      const route = request.route ? request.baseUrl + request.route.path : 'unmatched';
      const labels = { method: request.method, route, status: response.statusCode };
      requests.inc(labels);
      stop(labels);
    });
    next();
  }

  /** Route: all metrics in Prometheus' text format. */
  async function expose(_request, response) {
    response.type(registry.contentType).send(await registry.metrics());
  }

  return { measure, expose };
}

module.exports = { createMetrics };
