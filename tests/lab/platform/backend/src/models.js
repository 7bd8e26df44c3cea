'use strict';

const { Schema, model } = require('mongoose');

const MAJORITY = { writeConcern: { w: 'majority', wtimeoutMS: 10_000 } };

const User = model('User', new Schema({
  email: { type: String, required: true, unique: true },
  passwordHash: { type: String, required: true },
}, { timestamps: true, ...MAJORITY }));

const Message = model('Message', new Schema({
  text: { type: String, required: true, maxlength: 4000 },
  author: { type: String, default: 'anonymous', maxlength: 100 },
  privateNote: String, // encrypted with ENCRYPTION_KEY
  createdAt: { type: Date, default: Date.now, index: true },
}, MAJORITY));

const Stream = model('Stream', new Schema({
  title: String,
  startedAt: { type: Date, default: Date.now, index: true },
}, MAJORITY));

const Transaction = model('Transaction', new Schema({
  provider: String,
  reference: { type: String, unique: true },
  amount: Number,
  currency: String,
  status: String,
  timestamp: { type: Date, default: Date.now, index: true },
}, MAJORITY));

const AuditLog = model('AuditLog', new Schema({
  timestamp: { type: Date, default: Date.now, index: true },
  action: { type: String, index: true },
  subject: String,
  details: Schema.Types.Mixed,
}, { collection: 'audit_logs', ...MAJORITY }));

const Setting = model('Setting', new Schema({
  _id: String,
  value: Schema.Types.Mixed,
}, MAJORITY));

const ALL = [User, Message, Stream, Transaction, AuditLog, Setting];

/** Create every index of every collection; does nothing where they are there. */
async function createIndexes() {
  for (const each of ALL) await each.createIndexes();
}

module.exports = { User, Message, Stream, Transaction, AuditLog, Setting, ALL, createIndexes };
