'use strict';

const assert = require('node:assert/strict');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { after, test } = require('node:test');

const MAKE_REPO = path.join(__dirname, '..', 'make-repo');
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'make-repo-test-'));
after(() => fs.rmSync(scratch, { recursive: true }));

const make = (name, env = {}) => execFileSync(MAKE_REPO, [path.join(scratch, name)], {
  encoding: 'utf8', env: { PATH: process.env.PATH, ...env },
});
const git = (name, ...args) => execFileSync('git', ['--git-dir', path.join(scratch, name), ...args], { encoding: 'utf8' });

test('the same sources give the same commits, whatever the user’s settings', () => {
  const config = path.join(scratch, 'gitconfig');
  fs.writeFileSync(config, '[core]\n\tautocrlf = true\n[user]\n\tname = Somebody\n');
  assert.equal(make('one.git'), make('two.git', { HOME: scratch, GIT_CONFIG_GLOBAL: config, TZ: 'Asia/Tokyo' }));
});

test('tags differ in release.json only, and production is v2', () => {
  make('tags.git');
  const tags = git('tags.git', 'tag').trim().split('\n');
  assert.ok(tags.length >= 8);
  for (const tag of tags) {
    if (tag !== 'v2') assert.equal(git('tags.git', 'diff', '--name-only', 'v2', tag), 'release.json\n');
  }
  assert.equal(git('tags.git', 'rev-parse', 'production'), git('tags.git', 'rev-parse', 'v2'));
  assert.doesNotMatch(git('tags.git', 'ls-tree', '-r', '--name-only', 'v1'), /node_modules|dist\//);
});

test('an existing destination is refused', () => {
  fs.mkdirSync(path.join(scratch, 'there'));
  const { status, stderr } = spawnSync(MAKE_REPO, [path.join(scratch, 'there')], { encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /is there already/);
});
