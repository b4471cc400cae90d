// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { systemClock } from '../../core/clock/clock.ts';
import { EXIT } from '../../host/terminal/exit.ts';
import { type BuildFlags, imageBuild, imageFetch, imageLock } from './image.cli.ts';
import { kernelOf, parseLock } from './lockfile.ts';

let directory: string;
let said: string;
let complained: string;
const deps = {
  stdout: { write: (text: string) => void (said += text), interactive: false },
  stderr: { write: (text: string) => void (complained += text), interactive: false },
  clock: systemClock,
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lethe-image-cli-'));
  said = '';
  complained = '';
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function flags(more: Partial<BuildFlags>): BuildFlags {
  return { out: join(directory, 'out'), variant: 'release', offline: true, ...more };
}

test('locks what the archives have today, the image and the tools', async () => {
  assert.equal(await imageLock(deps, directory), 0, complained);
  assert.match(said, /image +\d+ packages +\d+\.\d MB\ntools +\d+ packages/);
  const image = parseLock(readFileSync(join(directory, 'packages.lock'), 'utf8'));
  const tools = parseLock(readFileSync(join(directory, 'tools.lock'), 'utf8'));
  assert.match(kernelOf(image).release, /^6\.1\.0-\d+-cloud-amd64$/);
  assert.ok(tools.packages.some(({ name }) => name === 'squashfs-tools'));
  assert.deepEqual(tools.modules, []);
});

test('says in one sentence what it cannot do, on standard error, and ends with the code for it', async () => {
  const refused = async (more: Partial<BuildFlags>, code: number, why: RegExp) => {
    complained = '';
    assert.equal(await imageBuild(flags(more), deps), code);
    assert.match(complained, why);
    assert.equal(complained.split('\n').length, 2, 'one line');
    assert.equal(said, '', 'standard output is for what came out');
  };
  await refused(
    { variant: 'other' },
    EXIT.usage,
    /^lethe: There is no variant 'other'; there are release and probe\.\n$/,
  );
  await refused({ variant: 'probe' }, EXIT.usage, /A probe is made from a finished build: --from DIR\./);
  const operator = join(directory, 'operator.json');
  await refused({ operator }, EXIT.usage, /--operator: .*operator\.json is not there\./);
  writeFileSync(operator, '{\n  "activator": "https://a.example:1",\n  "secret": "x"\n}\n');
  await refused({ operator }, EXIT.usage, /operator\.json: line \d: (authority: missing|secret: unknown key)/);
});

test('without root it says that this machine does not allow it', async (context) => {
  context.mock.method(process as { getuid: () => number }, 'getuid', () => 1000);
  for (const refused of [await imageLock(deps, directory), await imageBuild(flags({}), deps)])
    assert.equal(refused, EXIT.machine);
  assert.match(complained, /^(lethe: This mounts and changes owners, and needs root\.\n){2}$/);
});

test('a lock that is damaged, or missing, stops it', async () => {
  writeFileSync(join(directory, 'packages.lock'), 'nonsense\n');
  assert.equal(await imageFetch(deps, directory), EXIT.failed);
  assert.match(complained, /line 1 of the lock is not a locked package/);
  complained = '';
  assert.equal(await imageBuild(flags({ locks: join(directory, 'nowhere') }), deps), EXIT.failed);
  assert.match(complained, /It failed: ENOENT/);
});
