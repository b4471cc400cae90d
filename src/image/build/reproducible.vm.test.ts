// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { builtImage, differing } from '../../../proof/labs/image/built-image.os.ts';
import { run } from '../../host/processes/process.os.ts';
import { readBuild } from './build.os.ts';
import { makeIso } from './iso.os.ts';
import { REPOSITORY } from './recipe.os.ts';
import { fileDigest } from './seal.os.ts';
import { imageState } from './state.os.ts';

/** A tmpfs, another folder, and nothing that this clone has but the archived inputs. */
const elsewhere = mkdtempSync('/dev/shm/lethe-elsewhere-');
after(() => rmSync(elsewhere, { recursive: true, force: true }));

/** The other builder's program: everything it imports comes from the copy. */
const PROGRAM = `
const [copy, state, locks, out, clock] = process.argv.slice(1);
const { buildImage } = await import(copy + '/src/image/build/build.os.ts');
const { makeIso } = await import(copy + '/src/image/build/iso.os.ts');
const { imageState } = await import(copy + '/src/image/build/state.os.ts');
const { Progress } = await import(copy + '/src/host/terminal/terminal.ts');
const { systemClock } = await import(copy + '/src/core/clock/clock.ts');
const progress = new Progress({ write: (text) => process.stdout.write(text), interactive: false }, systemClock);
const options = { state: imageState(state), wrongClock: clock };
await buildImage({ ...options, out, locks, progress });
await makeIso(out, out + '/uki.efi', out + '/unsigned.iso', options);
`;

test('another directory, file system, host name, umask, zone, language, core count and year: the same bytes', async () => {
  const { release } = await builtImage();
  const copy = join(elsewhere, 'a much longer path', 'copy');
  mkdirSync(copy, { recursive: true });
  for (const name of ['cmd', 'src', 'image', 'package.json', 'package-lock.json']) {
    cpSync(join(REPOSITORY, name), join(copy, name), { recursive: true, verbatimSymlinks: true });
  }
  symlinkSync(join(REPOSITORY, 'node_modules'), join(copy, 'node_modules'));
  const out = join(elsewhere, 'out');
  const state = imageState().directory;
  const builder = ['node', '--input-type=module', '-e', PROGRAM, copy, state, release, out, '+400d'];
  // Neither a network nor our name: the archived inputs alone.
  const machine = ['unshare', '--uts', '--net', '--', 'taskset', '--cpu-list', '0'];
  const other = ['sh', '-c', 'hostname other-builder; umask 077; exec "$@"', 'sh'];
  const env = { TZ: 'Asia/Tokyo', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8', HOME: '/nonexistent' };
  await run([...machine, ...other, ...builder], { env });

  const ours = readBuild(release);
  const theirs = readBuild(out);
  assert.deepEqual(theirs.outputs, ours.outputs);
  assert.equal(theirs.rootHash, ours.rootHash);
  assert.equal(theirs.inputs, ours.inputs);
  assert.equal(theirs.commit, undefined, 'the copy is outside git');
  assert.equal(await fileDigest(join(out, 'uki.efi')), ours.outputs['uki.efi'].sha256);

  const iso = join(elsewhere, 'ours.iso');
  await makeIso(release, join(release, 'uki.efi'), iso);
  assert.equal(await fileDigest(iso), await fileDigest(join(out, 'unsigned.iso')));
  assert.ok(readFileSync(iso).length < 150e6, 'the medium stays below 150 MB');
});

test('the probe differs in initrd and command line, and in nothing that the gateway runs', async () => {
  const { release, probe } = await builtImage();
  assert.deepEqual(differing(readBuild(release), readBuild(probe)), ['cmdline', 'initrd.zst', 'uki.efi']);
  assert.match(readFileSync(join(probe, 'cmdline'), 'utf8'), / lethe\.probe=1 /);
  assert.doesNotMatch(readFileSync(join(release, 'cmdline'), 'utf8'), /probe|console=/);
});
