// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { run } from '../../host/processes/process.os.ts';
import { openCache } from './fetch.os.ts';
import type { LockedPackage } from './lockfile.ts';
import { linkOrCopy, makeRepository } from './repository.os.ts';
import { lockDigest, toolsTree } from './workshop.os.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lethe-repository-'));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A package of one file, in the cache as if it had been fetched. */
async function packed(name: string): Promise<LockedPackage> {
  const tree = join(directory, name);
  mkdirSync(join(tree, 'DEBIAN'), { recursive: true });
  const fields = [
    'Version: 1:2-3',
    'Architecture: all',
    'Maintainer: nobody <nobody@example.org>',
    'Description: small',
  ];
  writeFileSync(join(tree, 'DEBIAN/control'), `Package: ${name}\n${fields.join('\n')}\n`);
  await run(['dpkg-deb', '--build', '--root-owner-group', tree, `${tree}.deb`]);
  const bytes = readFileSync(`${tree}.deb`);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const entry = {
    name,
    version: '1:2-3',
    architecture: 'all',
    size: bytes.length,
    sha256,
    path: `debian/pool/${name}.deb`,
  };
  copyFileSync(`${tree}.deb`, openCache(join(directory, 'cache')).pathOf(entry));
  return entry;
}

test('the repository holds the packages of a lock, with their hashes, and nothing from before', async () => {
  const [one, two] = [await packed('one'), await packed('two')];
  const repository = join(directory, 'repository');
  mkdirSync(repository);
  writeFileSync(join(repository, 'stale.deb'), '');
  await makeRepository({ packages: [one, two], modules: [] }, openCache(join(directory, 'cache')), repository);
  assert.deepEqual(readdirSync(repository).toSorted(), ['Packages', 'one_all.deb', 'two_all.deb']);
  const [first = '', second = ''] = readFileSync(join(repository, 'Packages'), 'utf8').split('\n\n');
  assert.match(first, /^Package: one\nVersion: 1:2-3\n/);
  assert.ok(first.includes(`\nFilename: ./one_all.deb\nSize: ${one.size}\nSHA256: ${one.sha256}`));
  assert.match(second, /^Package: two\n/);
});

test('files are linked, or copied to another file system', () => {
  const from = join(directory, 'from');
  writeFileSync(from, 'content');
  linkOrCopy(from, join(directory, 'to'));
  assert.equal(statSync(from).nlink, 2);
  const elsewhere = mkdtempSync('/dev/shm/lethe-repository-');
  try {
    linkOrCopy(from, join(elsewhere, 'to'));
    assert.equal(readFileSync(join(elsewhere, 'to'), 'utf8'), 'content');
    assert.equal(statSync(from).nlink, 2);
  } finally {
    rmSync(elsewhere, { recursive: true, force: true });
  }
  assert.throws(() => linkOrCopy(join(directory, 'nowhere'), join(directory, 'x')), /ENOENT/);
});

test("a tools' tree that cannot be made leaves nothing behind; one that is there is taken", async () => {
  const lock = { packages: [await packed('tool')], modules: [] };
  const trees = join(directory, 'trees');
  const cache = openCache(join(directory, 'cache'));
  let fetched = 0;
  const fetch = async () => void (fetched += 1);
  // One package alone brings no dpkg to install it with.
  await assert.rejects(toolsTree(lock, cache, trees, fetch), /^Error: the tools' tree was not made: mmdebstrap ended/);
  assert.deepEqual(readdirSync(trees), []);
  assert.equal(fetched, 1);
  const made = join(trees, lockDigest(lock).slice(0, 32));
  mkdirSync(made);
  assert.equal(await toolsTree(lock, cache, trees, fetch), made);
  assert.equal(fetched, 1, 'nothing is fetched for it');
});
