'use strict';

// What can be seen without MongoDB and Redis: both URIs name a closed port, so this is also "limited mode".

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');

const ROOT = path.join(__dirname, '..');
const ENTRY = { backend: 'src/index.js', 'ai-engine': 'src/minimal.js' };
const SECRET = 'canary-value';
const BACKEND_ENV = {
  NODE_ENV: 'production',
  MONGODB_URI: `mongodb://user:${SECRET}@127.0.0.1:1/halobuzz`,
  REDIS_URL: `redis://user:${SECRET}@127.0.0.1:1`,
  JWT_SECRET: SECRET, JWT_REFRESH_SECRET: SECRET, ENCRYPTION_KEY: SECRET, ADMIN_JWT_SECRET: SECRET,
};
const AI_ENV = { AI_SERVICE_SECRET: SECRET };
const HTTPS = { 'X-Forwarded-Proto': 'https' };
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'platform-test-'));
after(() => fs.rmSync(scratch, { recursive: true }));

/** The release's own file with waiting times changed, so that the tests are fast. */
function quickRelease(tag, changes = {}) {
  const release = JSON.parse(fs.readFileSync(path.join(ROOT, 'releases', `${tag}.json`), 'utf8'));
  for (const behaviour of Object.values(release.behaviour)) Object.assign(behaviour, { start_seconds: 0 }, changes);
  const file = path.join(scratch, `${tag}-${Object.values(changes)}.json`);
  fs.writeFileSync(file, JSON.stringify(release));
  return file;
}

function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Start a service of a release; `exited` resolves to its status, `output` grows. */
async function launch(service, tag, env, changes) {
  const port = await freePort();
  const child = spawn(process.execPath, [ENTRY[service]], {
    cwd: path.join(ROOT, service),
    env: {
      PATH: process.env.PATH, PORT: String(port), UPLOADS_DIR: path.join(scratch, 'uploads'),
      RELEASE_FILE: quickRelease(tag, changes), ...env,
    },
  });
  const running = { child, output: '', url: `http://127.0.0.1:${port}` };
  const keep = (chunk) => { running.output += chunk; };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  running.exited = new Promise((resolve) => child.on('close', (code) => resolve(code)));
  return running;
}

/** Start a service and wait until it listens. */
async function start(...args) {
  const running = await launch(...args);
  const deadline = Date.now() + 15_000;
  while (!running.output.includes('listening on port')) {
    if (Date.now() > deadline || running.child.exitCode !== null) throw new Error(`did not start: ${running.output}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return running;
}

async function get(running, route, options = {}) {
  const response = await fetch(running.url + route, { headers: HTTPS, ...options });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: text.startsWith('{') ? JSON.parse(text) : null };
}

describe('backend v1 without MongoDB and Redis', () => {
  let backend;
  before(async () => { backend = await start('backend', 'v1', BACKEND_ENV); });
  after(() => backend.child.kill('SIGKILL'));

  test('plain HTTP is refused, but not on the probes’ paths and /metrics', async () => {
    for (const route of ['/', '/version', '/api/v1/health', '/uploads/x', '/socket.io/?EIO=4&transport=polling']) {
      const answer = await get(backend, route, { headers: {} });
      assert.deepEqual([answer.status, answer.text], [403, '{"error":"HTTPS required"}'], route);
    }
    for (const route of ['/healthz', '/api/v1/monitoring/health', '/metrics']) {
      assert.equal((await get(backend, route, { headers: {} })).status, 200, route);
    }
  });

  test('liveness and version answer, keep-alive is five seconds', async () => {
    const alive = await get(backend, '/healthz');
    assert.equal(alive.headers.get('keep-alive'), 'timeout=5');
    const { json } = await get(backend, '/version');
    assert.deepEqual([json.version, json.answer], ['v1', 'one']);
  });

  test('the monitoring health is constant and has no services', async () => {
    const { json } = await get(backend, '/api/v1/monitoring/health');
    assert.equal(json.status, 'healthy');
    assert.equal(json.services, undefined);
  });

  test('readiness does not answer', async () => {
    await assert.rejects(get(backend, '/api/v1/health', { headers: HTTPS, signal: AbortSignal.timeout(500) }));
  });

  test('requests that need MongoDB are 503', async () => {
    const answer = await get(backend, '/api/v1/messages');
    assert.deepEqual([answer.status, answer.json.error], [503, 'Database unavailable']);
  });

  test('unknown routes are 404 in JSON', async () => {
    const answer = await get(backend, '/api/v1/nothing');
    assert.deepEqual([answer.status, answer.json.error], [404, 'Route not found']);
  });

  test('operators’ endpoints are 401 without a token', async () => {
    assert.equal((await get(backend, '/api/v1/security/failed-logins')).status, 401);
    assert.equal((await get(backend, '/api/v1/security/incident', { method: 'POST', headers: HTTPS })).status, 401);
  });

  test('an upload comes back', async () => {
    const body = new FormData();
    body.set('file', new Blob(['content']), 'picture.png');
    const stored = await get(backend, '/uploads', { method: 'POST', headers: HTTPS, body });
    assert.match(stored.json.url, /^\/uploads\/[-0-9a-f]{36}\.png$/);
    assert.equal((await get(backend, stored.json.url)).text, 'content');
  });

  test('metrics have the names of the runbook’s alerts', async () => {
    const { text } = await get(backend, '/api/v1/monitoring/metrics');
    assert.match(text, /^http_requests_total\{.*status="200"\} /m);
    assert.match(text, /^http_request_duration_seconds_bucket\{/m);
  });

  test('no secret is in the log', () => {
    assert.match(backend.output, /environment set: MONGODB_URI/);
    assert.ok(!backend.output.includes(SECRET));
  });

  test('SIGTERM ends it at once and resets a request in flight', async () => {
    const cutOff = assert.rejects(get(backend, '/api/v1/slow?ms=4000', { method: 'POST', headers: HTTPS }));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const startedAt = Date.now();
    backend.child.kill('SIGTERM');
    await Promise.all([backend.exited, cutOff]);
    assert.ok(Date.now() - startedAt < 500);
  });
});

test('plain HTTP is served outside production', async () => {
  const backend = await start('backend', 'v2', { ...BACKEND_ENV, NODE_ENV: 'development' });
  assert.equal((await get(backend, '/version', { headers: {} })).json.answer, 'two');
  backend.child.kill('SIGKILL');
});

test('as-seen has no metrics and lacks endpoints', async () => {
  const backend = await start('backend', 'as-seen', BACKEND_ENV);
  for (const route of ['/metrics', '/api/v1/monitoring/metrics', '/api/v1/security/failed-logins']) {
    assert.equal((await get(backend, route)).status, 404, route);
  }
  assert.equal((await get(backend, '/metrics', { headers: {} })).status, 403);
  backend.child.kill('SIGKILL');
});

test('a missing variable stops the backend, and only its name is said', async () => {
  const { JWT_SECRET: _, ENCRYPTION_KEY: __, ...env } = BACKEND_ENV;
  const backend = await launch('backend', 'v1', env);
  assert.equal(await backend.exited, 1);
  assert.match(backend.output, /missing required environment variable: JWT_SECRET, ENCRYPTION_KEY$/m);
  assert.ok(!backend.output.includes(SECRET));
});

for (const [tag, expected] of [
  ['bad-environment', /missing required environment variable: RECOMMENDER_API_KEY/],
  ['missing-module', /fatal: Cannot find module '@halobuzz\/scopes'/],
]) {
  test(`${tag} exits at start`, async () => {
    const backend = await launch('backend', tag, BACKEND_ENV);
    assert.equal(await backend.exited, 1);
    assert.match(backend.output, expected);
  });
}

test('never-healthy answers 503 on liveness', async () => {
  const backend = await start('backend', 'never-healthy', BACKEND_ENV);
  assert.equal((await get(backend, '/healthz')).status, 503);
  backend.child.kill('SIGKILL');
});

test('crash-after-20s is healthy, then exits', async () => {
  const backend = await start('backend', 'crash-after-20s', BACKEND_ENV, { crash_after_seconds: 1 });
  assert.equal((await get(backend, '/healthz')).status, 200);
  assert.equal(await backend.exited, 1);
});

test('slow-start listens only when its time has come', async () => {
  const startedAt = Date.now();
  const backend = await start('backend', 'slow-start', BACKEND_ENV, { start_seconds: 2 });
  assert.ok(Date.now() - startedAt >= 1900);
  backend.child.kill('SIGKILL');
});

test('leaks-memory grows', { skip: process.platform !== 'linux' }, async () => {
  const backend = await start('backend', 'leaks-memory', BACKEND_ENV);
  const rssKb = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${backend.child.pid}/status`, 'utf8'))[1]);
  const first = rssKb();
  await new Promise((resolve) => setTimeout(resolve, 3500));
  assert.ok(rssKb() - first > 20_000);
  backend.child.kill('SIGKILL');
});

describe('ai-engine', () => {
  test('exits at once without AI_SERVICE_SECRET', async () => {
    const engine = await launch('ai-engine', 'v1', {});
    assert.equal(await engine.exited, 1);
    assert.match(engine.output, /missing required environment variable: AI_SERVICE_SECRET/);
  });

  test('is alive, degraded without its stores, and has no /api/v1/health', async () => {
    const engine = await start('ai-engine', 'v1', AI_ENV);
    assert.equal((await get(engine, '/healthz')).status, 200);
    const health = await get(engine, '/health');
    assert.deepEqual([health.status, health.json.status], [503, 'degraded']);
    assert.equal((await get(engine, '/api/v1/health')).status, 404);
    engine.child.kill('SIGKILL');
  });

  test('moderates for callers that know the secret', async () => {
    const engine = await start('ai-engine', 'capable', AI_ENV);
    const call = (secret) => get(engine, '/api/v1/moderate', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Service-Secret': secret },
      body: '{"text":"a scam"}',
    });
    assert.equal((await call('wrong')).status, 401);
    assert.deepEqual((await call(SECRET)).json, { flagged: true, words: ['scam'] });
    assert.equal((await get(engine, '/api/v1/health')).status, 503);
    engine.child.kill('SIGKILL');
  });
});
