'use strict';

// Operators' tasks, run in the container: npm run db:create-indexes, npm run db:verify.

const mongoose = require('mongoose');
const { CONNECT_OPTIONS } = require('./database');
const { ALL, Message, createIndexes } = require('./models');
const { createCipher } = require('./security');

const TASKS = {
  /** Create the indexes that are missing. */
  async 'db:create-indexes'() {
    await createIndexes();
    console.log(`indexes are there for ${ALL.map((each) => each.collection.name).join(', ')}`);
  },

  /** Count every collection and decrypt the newest private notes: the data belongs to this ENCRYPTION_KEY. */
  async 'db:verify'() {
    for (const each of ALL) console.log(`${each.collection.name}: ${await each.countDocuments()}`);
    const cipher = createCipher(process.env.ENCRYPTION_KEY);
    const notes = await Message.find({ privateNote: { $exists: true } }).sort({ _id: -1 }).limit(100);
    for (const { privateNote } of notes) cipher.decrypt(privateNote);
    console.log(`private notes decrypted: ${notes.length}`);
  },
};

async function main(name) {
  if (!Object.hasOwn(TASKS, name)) throw new Error(`unknown task; known: ${Object.keys(TASKS).join(', ')}`);
  await mongoose.connect(process.env.MONGODB_URI, CONNECT_OPTIONS);
  try {
    await TASKS[name]();
  } finally {
    await mongoose.disconnect();
  }
}

main(process.argv[2]).catch((error) => {
  console.error(`failed: ${error.message}`);
  process.exit(1);
});
