// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandError, spawnChild } from './process.os.ts';
import { untilReady, untilSays } from './ready.os.ts';

test('a program is waited for until it says its line', async () => {
  const child = spawnChild(['sh', '-c', 'sleep 0.2; echo "listens on 8080"; exec sleep 60']);
  try {
    assert.equal((await untilSays(child, 'server', /listens on (\d+)/))[1], '8080');
  } finally {
    await child.stop();
  }
});

test('a program that ends before it is ready is an error with what it said', async () => {
  const child = spawnChild(['sh', '-c', 'echo no memory; exit 3']);
  await assert.rejects(untilSays(child, 'server', /listens/), (error: Error) => {
    assert.ok(error instanceof CommandError);
    assert.equal(error.message, 'server ended with code 3: no memory');
    return true;
  });
});

test('what a program did before it ended counts', async () => {
  const child = spawnChild(['echo', 'done']);
  await child.exited;
  assert.equal((await untilSays(child, 'echo', /done/))[0], 'done');
  assert.equal(await untilReady(child, 'echo', async () => 7), 7);
});
