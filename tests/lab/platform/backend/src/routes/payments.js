'use strict';

const crypto = require('node:crypto');
const { Router, json, raw } = require('express');
const { httpError } = require('../../../shared/http');
const { Transaction } = require('../models');

const SIGNATURE_AGE_SECONDS = 300;

/** Check Stripe's signature header, `t=SECONDS,v1=HEX` over `SECONDS.BODY`, as Stripe documents it. */
function isSignatureRight(header, body, secret) {
  const parts = Object.fromEntries((header || '').split(',').map((part) => part.split('=', 2)));
  if (!parts.t || !parts.v1 || Math.abs(Date.now() / 1000 - Number(parts.t)) > SIGNATURE_AGE_SECONDS) return false;
  const expected = crypto.createHmac('sha256', secret).update(`${parts.t}.`).update(body).digest();
  const given = Buffer.from(parts.v1, 'hex');
  return given.length === expected.length && crypto.timingSafeEqual(given, expected);
}

/** Stripe's payment intent (a test one: nothing leaves the machine) and its webhook. */
function paymentRoutes({ config }) {
  const router = Router();

  router.post('/create-payment-intent', json(), async (request, response) => {
    if (!config.paymentsEnabled || !config.stripeKey) throw httpError(503, 'Payments are not configured');
    const { amount, currency } = request.body || {};
    if (!Number.isInteger(amount) || amount <= 0) throw httpError(400, 'amount must be a positive integer');
    if (!/^[a-z]{3}$/.test(currency)) throw httpError(400, 'currency must be three lower-case letters');
    const reference = `pi_test_${crypto.randomUUID().replaceAll('-', '')}`;
    const status = 'requires_payment_method';
    await Transaction.create({ provider: 'stripe', reference, amount, currency, status });
    response.json({ id: reference, amount, currency, status, livemode: false });
  });

  router.post('/webhook', raw({ type: () => true }), async (request, response) => {
    if (!config.stripeWebhookSecret) throw httpError(503, 'Payments are not configured');
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    if (!isSignatureRight(request.get('stripe-signature'), body, config.stripeWebhookSecret)) {
      throw httpError(400, 'Signature is not valid');
    }
    let event;
    try {
      event = JSON.parse(body);
    } catch {
      throw httpError(400, 'Body is not JSON');
    }
    const reference = event?.data?.object?.id;
    if (event?.type === 'payment_intent.succeeded' && typeof reference === 'string') {
      await Transaction.updateOne({ reference }, { status: 'succeeded' });
    }
    response.json({ received: true });
  });

  return router;
}

module.exports = { paymentRoutes };
