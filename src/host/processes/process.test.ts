// SPDX-License-Identifier: AGPL-3.0-or-later
// Needs root.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { waitUntil } from '../../core/clock/until.ts';
import { CommandError, childrenOf, orStop, run, spawnChild } from './process.os.ts';
import { untilSays } from './ready.os.ts';

test('a command gives its output, and its failure with what it said', async () => {
  assert.equal(await run(['echo', 'hello']), 'hello\n');
  assert.equal(await run(['cat'], { stdin: 'fed' }), 'fed');
  await assert.rejects(run(['sh', '-c', 'echo no >&2; exit 3']), (error: Error) => {
    assert.ok(error instanceof CommandError);
    assert.equal(error.exit.code, 3);
    assert.equal(error.message, 'sh ended with code 3: no');
    return true;
  });
  await assert.rejects(run(['sh', '-c', 'kill -9 $$']), /sh ended with SIGKILL$/);
  await assert.rejects(run(['/nonexistent/program']), /ended with code/);
});

test('a child inherits little of our environment', async () => {
  process.env['LETHE_TEST_SECRET'] = 'x';
  const seen = await run(['env'], { env: { GIVEN: 'yes' }, cwd: '/' });
  delete process.env['LETHE_TEST_SECRET'];
  assert.match(seen, /^GIVEN=yes$/m);
  assert.doesNotMatch(seen, /LETHE_TEST_SECRET/);
});

test('a child that ignores SIGTERM is killed after the grace', async () => {
  const child = spawnChild(['sh', '-c', 'trap "" TERM; echo up; while :; do sleep 0.05; done'], {});
  await untilSays(child, 'sh', /up/);
  const exit = await child.stop(100);
  assert.equal(exit.signal, 'SIGKILL');
  assert.equal(child.running, false);
  assert.equal((await child.stop()).signal, 'SIGKILL');
});

test('a child that cannot be made ready is stopped before the failure is told', async () => {
  const child = spawnChild(['sleep', '60']);
  assert.equal(await orStop(child, async () => 'ready'), 'ready');
  assert.equal(child.running, true);
  await assert.rejects(
    orStop(child, async () => {
      throw new RangeError('not like this');
    }),
    /not like this/,
  );
  assert.equal(child.running, false);
});

test('a child runs as the user it was given', async () => {
  assert.equal(await run(['id', '-u'], { user: { uid: 65_534, gid: 65_534 } }), '65534\n');
});

test('output can be watched as it comes', async () => {
  const seen: string[] = [];
  const child = spawnChild(['sh', '-c', 'echo out; echo err >&2'], {
    onOutput: (text, stream) => seen.push(stream + text),
  });
  await child.exited;
  assert.deepEqual(seen.toSorted(), ['stderrerr\n', 'stdoutout\n']);
  assert.equal(child.output(), '');
});

test('children die when their parent is killed', async () => {
  const parent = spawnChild([
    process.execPath,
    '-e',
    `import(${JSON.stringify(new URL('./process.os.ts', import.meta.url).href)}).then(({ spawnChild }) => {
      const child = spawnChild(['sleep', '60']);
      setTimeout(() => process.stdout.write(child.pid + '\\n'), 100);
      setInterval(() => {}, 1000);
    })`,
  ]);
  await untilSays(parent, 'node', /\n/);
  const orphan = Number(parent.output());
  assert.ok(existsSync(`/proc/${orphan}`));
  assert.deepEqual(childrenOf(parent.pid), [orphan]);
  parent.signal('SIGKILL');
  await parent.exited;
  await waitUntil('the orphan is gone', () => !existsSync(`/proc/${orphan}`));
  assert.deepEqual(childrenOf(orphan), []);
});
