// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock as clock } from '../../src/core/clock/clock.ts';
import { systemRandom as random } from '../../src/core/random/random.ts';
import { USES } from '../hunt/pages.ts';
import { again, beyond, describeExcess } from '../hunt/remainder.ts';
import { renderRemainders, renderReport, renderSightings } from '../hunt/table.ts';
import type { Finding } from '../hunt/verdict.ts';
import { builtImage } from '../labs/image/built-image.os.ts';
import { type TestOperator, testOperator } from '../labs/release/test-operator.os.ts';
import { testService } from './released.os.ts';
import { type Residue, residueOf } from './residue.os.ts';
import { mayBeChance, REMAINDERS } from './residue.ts';

/** What the gateway's machine remembers in its RAM, kernel included; and that the search would see it if it did. */
const directory = mkdtempSync(join(tmpdir(), 'lethe-residue-'));
// The database and the activator run as users of their own.
chmodSync(directory, 0o711);
const at = (name: string) => join(directory, name);
const memoryFile = `/dev/shm/${basename(directory)}`;

let build: string;
let operator: TestOperator;

before(async () => {
  build = (await builtImage({ operator: await testService(at('data')) })).probe;
  operator = await testOperator(at('operator'));
});
after(() => {
  rmSync(directory, { recursive: true, force: true });
  rmSync(memoryFile, { force: true });
});

/** Boots the image for tests, with another kernel command line if so wished, and lets customers come and go. */
async function trial(
  name: string,
  seconds: readonly number[],
  edit: readonly [from: string, to: string],
): Promise<Residue> {
  const uki = readFileSync(join(build, 'uki.efi'));
  const [from, to] = edit;
  const place = uki.indexOf(from);
  assert.ok(place > 0 && from.length === to.length);
  uki.write(to, place, 'latin1');
  await operator.publish(build, uki, at(name));
  try {
    return await residueOf({
      clock,
      random,
      release: '0.1.0',
      listen: { host: '127.0.0.1', port: 0 },
      terminal: { write: () => undefined, interactive: false },
      image: at(name),
      directory: at('data'),
      memoryFile,
      after: seconds,
    });
  } finally {
    // A machine would find in it what the last one had left.
    rmSync(memoryFile, { force: true });
  }
}

const withPhase = ({ report }: Residue, phase: string) => report.residue.filter((finding) => finding.phase === phase);
const sum = (found: readonly Finding[]) => found.reduce((total, { count }) => total + count, 0);
/** What the kernel's own objects hold: customers' names and addresses pass through them in plain text. */
const inKernel = (found: readonly Finding[], marker: string) =>
  sum(found.filter((finding) => finding.place === USES.slab && finding.marker === marker));

const AS_BUILT = ['init_on_free=1', 'init_on_free=1'] as const;

/** Beyond the list. Where it can be chance, only what a second run meets as well, with other addresses. */
async function unknown(left: readonly Finding[]) {
  const first = beyond(left, REMAINDERS);
  if (first.length === 0 || !first.every(({ findings }) => findings.every(mayBeChance))) return first;
  return again(first, beyond(withPhase(await trial('again', [60], AS_BUILT), '+60 s'), REMAINDERS));
}

let real: Residue;

test('a minute after they left, the machine holds of its customers what is known, and no more', async (t) => {
  real = await trial('real', [10, 60], AS_BUILT);
  const { report, sightings, chance } = real;
  const left = withPhase(real, '+60 s');
  t.diagnostic(`The memory of a gateway's machine, copies per look:\n\n${renderSightings(sightings)}`);
  t.diagnostic(`${chance} more places held four bytes of an address before anybody had it.\n${renderReport(report)}`);
  t.diagnostic(`What is known to be left after a minute:\n\n${renderRemainders(left, REMAINDERS)}`);
  assert.deepEqual([report.findings, report.blind, report.controlsMissed], [[], [], []]);
  assert.deepEqual((await unknown(left)).map(describeExcess), []);
  for (const { marker } of withPhase(real, '+10 s')) assert.doesNotMatch(marker, /username|password|private|account/);
});

test('a kernel that does not wipe what is freed is caught', async (t) => {
  const red = await trial('careless', [10], ['init_on_free=1', 'init_on_free=0']);
  t.diagnostic(`The same without init_on_free:\n\n${renderSightings(red.sightings)}`);
  assert.deepEqual(red.report.blind, []);
  const [after, left] = [withPhase(real, '+10 s'), withPhase(red, '+10 s')];
  assert.ok(sum(left) > sum(after));
  for (const marker of ['VPN username', 'openvpn source address']) {
    assert.deepEqual([inKernel(after, marker), inKernel(left, marker) > 0], [0, true], marker);
  }
  assert.match(beyond(left, REMAINDERS).map(describeExcess).join('\n'), /VPN username in kernel objects/);
});
