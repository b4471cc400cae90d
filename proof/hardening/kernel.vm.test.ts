// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { run } from '../../src/host/processes/process.os.ts';
import { openCache } from '../../src/image/build/fetch.os.ts';
import { kernelOf } from '../../src/image/build/lockfile.ts';
import { imageState, readLock } from '../../src/image/build/state.os.ts';
import { builtImage } from '../labs/image/built-image.os.ts';
import { KERNEL_OPTIONS, valueOf } from './kernel-options.ts';

let configuration: string;

before(async () => {
  const { release } = await builtImage();
  const kernel = kernelOf(readLock(join(release, 'packages.lock')));
  const work = mkdtempSync(join(tmpdir(), 'lethe-kernel-'));
  try {
    const unpack = 'dpkg-deb --fsys-tarfile "$0" | tar --extract --directory "$1" "./boot/config-$2"';
    const file = openCache(imageState().cache).pathOf(kernel.entry);
    await run(['sh', '-c', unpack, file, work, kernel.release]);
    configuration = readFileSync(join(work, `boot/config-${kernel.release}`), 'utf8');
  } finally {
    rmSync(work, { recursive: true });
  }
});

test('the kernel was compiled with what ANSSI-BP-028 wants, or something stands in its place', () => {
  assert.match(configuration, /^CONFIG_X86_64=y$/m);
  const wrong = KERNEL_OPTIONS.filter(
    ({ name, wanted, instead }) => valueOf(configuration, name) !== (instead?.is ?? wanted),
  );
  assert.deepEqual(wrong, []);
  for (const { name, instead } of KERNEL_OPTIONS) if (instead !== undefined) assert.ok(instead.why.length > 10, name);
});

test('each recommendation about compiling is looked into', () => {
  const ids = new Set(KERNEL_OPTIONS.map(({ id }) => id));
  const expected = [...Array.from({ length: 9 }, (_, index) => `ANSSI R${15 + index}`), 'ANSSI R25'];
  assert.deepEqual([...ids], expected);
});
