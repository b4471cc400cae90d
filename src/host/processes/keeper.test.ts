// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { waitUntil } from '../../core/clock/until.ts';
import { leaveKeeper } from './keeper.os.ts';
import { spawnChild } from './process.os.ts';
import { untilSays } from './ready.os.ts';

const directory = mkdtempSync(join(tmpdir(), 'lethe-keeper-'));
after(() => rmSync(directory, { recursive: true }));

test('what is kept is done when it is asked for, with its exit code', async () => {
  const made = join(directory, 'asked');
  const keeper = await leaveKeeper(['touch', made]);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(keeper.pid, signal);
  assert.equal(existsSync(made), false);
  assert.deepEqual(await keeper.now(), { code: 0, signal: null });
  assert.equal(existsSync(made), true);
  assert.equal((await (await leaveKeeper(['false'])).now()).code, 1);
});

test('what is kept is done when we are killed', async () => {
  const made = join(directory, 'killed');
  const program = `import { leaveKeeper } from ${JSON.stringify(new URL('keeper.os.ts', import.meta.url).href)};
    console.log('keeper ' + (await leaveKeeper(['touch', ${JSON.stringify(made)}])).pid);
    setInterval(() => undefined, 1000);`;
  const child = spawnChild([process.execPath, '--input-type=module', '-e', program]);
  const [, pid = ''] = await untilSays(child, 'node', /keeper (\d+)/);
  assert.equal(existsSync(`/proc/${pid}`), true);
  child.signal('SIGKILL');
  await child.exited;
  await waitUntil('it is done', () => existsSync(made));
});
