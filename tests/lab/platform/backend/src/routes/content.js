'use strict';

const { Router } = require('express');
const { isValidObjectId } = require('mongoose');
const { httpError } = require('../../../shared/http');
const { Message, Stream } = require('../models');
const { createCipher } = require('../security');

const STREAMS_KEY = 'cache:streams';

/** Messages, streams, background jobs, the AI check, and one slow request. */
function contentRoutes({ config, redis, queue }) {
  const router = Router();
  const cipher = createCipher(config.encryptionKey);
  const present = (message) => ({
    id: message.id,
    text: message.text,
    author: message.author,
    private: message.privateNote ? cipher.decrypt(message.privateNote) : undefined,
    createdAt: message.createdAt,
  });

  router.post('/messages', async (request, response) => {
    const { text, author, private: note } = request.body || {};
    if (typeof text !== 'string' || text === '') throw httpError(400, 'text is required');
    const privateNote = note === undefined ? undefined : cipher.encrypt(String(note));
    const message = await Message.create({ text, author, privateNote });
    response.status(201).json(present(message));
  });

  router.get('/messages', async (request, response) => {
    const limit = Math.min(Math.max(Number(request.query.limit) || 20, 1), 1000);
    const [total, messages] = await Promise.all([
      Message.countDocuments(),
      Message.find().sort({ _id: -1 }).limit(limit),
    ]);
    response.json({ total, messages: messages.map(present) });
  });

  router.get('/messages/:id', async (request, response) => {
    const message = isValidObjectId(request.params.id) && await Message.findById(request.params.id);
    if (!message) throw httpError(404, 'Message not found');
    response.json(present(message));
  });

  router.get('/streams', async (_request, response) => {
    response.json({ streams: await Stream.find().sort({ startedAt: -1 }).limit(50).lean() });
  });

  router.get('/cache/warm-up', async (_request, response) => {
    const streams = await Stream.find().sort({ startedAt: -1 }).limit(50).lean();
    await redis.set(STREAMS_KEY, JSON.stringify(streams), 'EX', 300);
    response.json({ warmed: [STREAMS_KEY], entries: streams.length });
  });

  router.post('/jobs', async (request, response) => {
    const { payload = null, delayMs = 0 } = request.body || {};
    const job = await queue.add({ payload }, { delay: Math.min(Math.max(Number(delayMs) || 0, 0), 3_600_000) });
    response.status(202).json({ id: job.id });
  });

  router.get('/jobs/:id', async (request, response) => {
    const job = await queue.getJob(request.params.id);
    if (!job) throw httpError(404, 'Job not found');
    response.json({ id: job.id, state: await job.getState(), result: job.returnvalue });
  });

  router.post('/slow', async (request, response) => {
    const ms = Math.min(Math.max(Number(request.query.ms) || 0, 0), 60_000);
    await new Promise((resolve) => setTimeout(resolve, ms));
    response.json({ waitedMs: ms });
  });

  router.post('/moderation/check', async (request, response) => {
    if (!config.aiEnabled || !config.aiEngineUrl) throw httpError(503, 'AI engine is not configured');
    let answer;
    try {
      answer = await fetch(new URL('/api/v1/moderate', config.aiEngineUrl), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Service-Secret': config.aiEngineSecret || '' },
        body: JSON.stringify({ text: request.body?.text }),
        signal: AbortSignal.timeout(5000),
      });
    } catch {
      throw httpError(502, 'AI engine does not answer');
    }
    if (!answer.ok) throw httpError(502, `AI engine answered ${answer.status}`);
    response.json(await answer.json());
  });

  return router;
}

module.exports = { contentRoutes };
