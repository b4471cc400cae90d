// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { builtImage } from '../../../proof/labs/image/built-image.os.ts';
import { systemClock } from '../../core/clock/clock.ts';
import { CommandError } from '../../host/processes/process.os.ts';
import { REPOSITORY } from './recipe.os.ts';
import { imageState, workshopFor } from './state.os.ts';
import { clock, type Workshop, type WorkshopOptions } from './workshop.os.ts';

const YEAR = 365 * 86_400;
let work: string;
let open: (options?: Partial<WorkshopOptions>) => Promise<Workshop>;

before(async () => {
  const { release } = await builtImage();
  work = mkdtempSync(join(tmpdir(), 'lethe-workshop-'));
  open = (options) => workshopFor(imageState(), join(release, 'tools.lock'), { work, ...options });
});

after(() => rmSync(work, { recursive: true, force: true }));

test('programs in the chroot see no network, not our name and environment, and a system they cannot change', async () => {
  const workshop = await open({ see: { source: REPOSITORY } });
  const sh = (script: string) => workshop.run(['sh', '-euc', script]);
  assert.match(await sh('hostname'), /^lethe\n$/);
  assert.notEqual(hostname(), 'lethe', 'it is a name of its own');
  assert.equal(await sh('cd /sys/class/net; echo *'), 'lo\n');
  assert.equal(await sh('umask; pwd; date +%Z'), '0022\n/lethe/work\nUTC\n');
  const variables = (await workshop.run(['env']))
    .trim()
    .split('\n')
    .map((line) => line.split('=')[0] ?? '');
  assert.deepEqual(variables.toSorted(), ['HOME', 'LC_ALL', 'PATH', 'SOURCE_DATE_EPOCH', 'TZ']);
  for (const place of ['/etc/x', '/usr/x', '/lethe/source/x']) {
    await assert.rejects(sh(`touch ${place}`), /Read-only file system/);
  }
  await sh('test -f /lethe/source/package.json; touch /lethe/work/mine');
  await assert.rejects(workshop.run(['false']), CommandError);
});

test('a shifted clock holds inside, and ours stays', async () => {
  const shifted = await open(clock('+400d'));
  const inside = Number(await shifted.run(['date', '+%s']));
  assert.ok(inside > systemClock.wall() / 1000 + YEAR);
  const ours = await open(clock(undefined));
  assert.ok(Math.abs(Number(await ours.run(['date', '+%s'])) - systemClock.wall() / 1000) < 60);
});
