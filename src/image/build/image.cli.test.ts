// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { systemClock } from '../../core/clock/clock.ts';
import { type BuildFlags, imageBuild, imageFetch, imageLock } from './image.cli.ts';
import { kernelOf, parseLock } from './lockfile.ts';

let directory: string;
let said: string;
const deps = {
  terminal: { write: (text: string) => void (said += text), interactive: false },
  clock: systemClock,
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lethe-image-cli-'));
  said = '';
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function flags(more: Partial<BuildFlags>): BuildFlags {
  return { out: join(directory, 'out'), variant: 'release', offline: true, ...more };
}

test('locks what the archives have today, the image and the tools', async () => {
  assert.equal(await imageLock(deps, directory), 0, said);
  assert.match(said, /image +\d+ packages +\d+\.\d MB\ntools +\d+ packages/);
  const image = parseLock(readFileSync(join(directory, 'packages.lock'), 'utf8'));
  const tools = parseLock(readFileSync(join(directory, 'tools.lock'), 'utf8'));
  assert.match(kernelOf(image).release, /^6\.1\.0-\d+-cloud-amd64$/);
  assert.ok(tools.packages.some(({ name }) => name === 'squashfs-tools'));
  assert.deepEqual(tools.modules, []);
});

test('says in one sentence what it cannot do', async () => {
  assert.equal(await imageBuild(flags({ variant: 'other' }), deps), 1);
  assert.match(said, /There is no variant 'other'; there are release and probe\./);
  said = '';
  assert.equal(await imageBuild(flags({ variant: 'probe' }), deps), 1);
  assert.match(said, /A probe is made from a finished build: --from DIR\./);
  said = '';
  const operator = join(directory, 'operator.json');
  writeFileSync(operator, '{\n  "activator": "https://a.example:1",\n  "secret": "x"\n}\n');
  assert.equal(await imageBuild(flags({ operator }), deps), 1);
  assert.match(said, /operator\.json: line \d: (authority: missing|secret: unknown key)/);
});

test('a lock that is damaged, or missing, stops it', async () => {
  writeFileSync(join(directory, 'packages.lock'), 'nonsense\n');
  assert.equal(await imageFetch(deps, directory), 1);
  assert.match(said, /line 1 of the lock is not a locked package/);
  said = '';
  assert.equal(await imageBuild(flags({ locks: join(directory, 'nowhere') }), deps), 1);
  assert.match(said, /It failed: ENOENT/);
});
