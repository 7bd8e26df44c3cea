'use strict';

const fs = require('node:fs');
const path = require('node:path');

/**
 * Read what this release is and how it behaves.
 *
 * The file is baked into the image beside the service folder; RELEASE_FILE names another one (tests).
 *
 * @param {'backend'|'ai-engine'} service whose part of `behaviour` is wanted
 * @returns {{version: string, answer: string, behaviour: object}}
 */
function loadRelease(service) {
  const file = process.env.RELEASE_FILE || path.join(__dirname, '..', 'release.json');
  const release = JSON.parse(fs.readFileSync(file, 'utf8'));
  return { version: release.version, answer: release.answer, behaviour: release.behaviour[service] || {} };
}

module.exports = { loadRelease };
