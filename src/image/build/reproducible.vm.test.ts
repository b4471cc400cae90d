// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { TestAuthority } from '../../../proof/labs/authority/authority.ts';
import { builtImage } from '../../../proof/labs/image/built-image.os.ts';
import { systemClock } from '../../core/clock/clock.ts';
import { run } from '../../host/processes/process.os.ts';
import { Progress } from '../../host/terminal/terminal.ts';
import { buildImage, buildProbe, readBuild } from './build.os.ts';
import { makeIso } from './iso.os.ts';
import { REPOSITORY } from './recipe.os.ts';
import { type BuildRecord, OUTPUTS } from './record.ts';
import { fileDigest } from './seal.os.ts';
import { imageState, workshopFor } from './state.os.ts';

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

test("an operator's file goes into the root image, and changes nothing but it", async () => {
  const { certificate } = await TestAuthority.create();
  const operator = { activator: 'https://192.0.2.1:8443', authority: certificate };
  const { release } = await builtImage();
  const out = join(elsewhere, 'operated');
  const progress = new Progress({ write: () => undefined, interactive: false }, systemClock);
  const [ours, theirs] = [
    readBuild(release),
    await buildImage({ out, progress, operator, locks: release, keepTree: true }),
  ];
  assert.notEqual(theirs.inputs, ours.inputs);
  assert.deepEqual(differing(ours, theirs), ['cmdline', 'root.img', 'uki.efi'], 'the command line holds the root hash');
  assert.deepEqual(JSON.parse(readFileSync(join(out, 'operator.json'), 'utf8')), operator);

  const work = join(elsewhere, 'unpacked');
  mkdirSync(work);
  const workshop = await workshopFor(imageState(), join(out, 'tools.lock'), { work, see: { out } });
  await workshop.run(['unsquashfs', '-quiet', '-no-progress', '-dest', 'root', '/lethe/out/root.img', 'usr/lib/lethe']);
  const inside = readFileSync(join(work, 'root/usr/lib/lethe/operator.json'), 'utf8');
  assert.equal(inside, readFileSync(join(out, 'operator.json'), 'utf8'));

  const probe = join(elsewhere, 'operated-probe');
  const probed = await buildProbe(out, { out: probe, progress });
  assert.equal(probed.outputs['root.img'].sha256, theirs.outputs['root.img'].sha256);
});

/** Names of the outputs that two builds do not share. */
function differing(one: BuildRecord, other: BuildRecord): string[] {
  return OUTPUTS.filter((name) => one.outputs[name].sha256 !== other.outputs[name].sha256).toSorted();
}

test('the probe differs in initrd and command line, and in nothing that the gateway runs', async () => {
  const { release, probe } = await builtImage();
  assert.deepEqual(differing(readBuild(release), readBuild(probe)), ['cmdline', 'initrd.zst', 'uki.efi']);
  assert.match(readFileSync(join(probe, 'cmdline'), 'utf8'), / lethe\.probe=1 /);
  assert.doesNotMatch(readFileSync(join(release, 'cmdline'), 'utf8'), /probe|console=/);
});
