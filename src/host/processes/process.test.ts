// SPDX-License-Identifier: AGPL-3.0-or-later
// Needs root.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { waitUntil } from '../../core/clock/until.ts';
import { CommandError, childrenOf, orStop, run, spawnBehind, spawnChild } from './process.os.ts';
import { untilSays } from './ready.os.ts';
import { endRunning, type Running, runningAs } from './running.os.ts';

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

/** A launcher that stays in front of its program, as nsenter does in front of one in another process namespace. */
const IN_FRONT = ['sh', '-c', '"$@" & wait', 'launcher'];
const user = { uid: 65_534, gid: 65_534 };

function killLauncher(pid: number): void {
  process.kill(Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]), 'SIGKILL');
}

test('a program dies with its launcher, also after it became another user', async () => {
  const deaf = ['sh', '-c', 'trap "" TERM; exec sleep 60'];
  const child = await spawnBehind(IN_FRONT, deaf, { user, rights: ['net_admin'] });
  await waitUntil('it has become the user', () => readFileSync(`/proc/${child.pid}/comm`, 'utf8') === 'sleep\n');
  const { pid } = child;
  killLauncher(pid);
  // It is deaf to us, and we wait five seconds before we end it by force: this is the kernel.
  await waitUntil('it is gone', () => runningAs(pid) === undefined, 3000);
  await child.exited;
});

test('a program that outlives its launcher is ended before its end is told', async () => {
  // It has closed what it could be seen by, as OpenVPN does, and the kernel has forgotten whom it goes with.
  const closed = 'exec setpriv --pdeathsig clear sleep 60 <&- >&- 2>&-';
  const child = await spawnBehind(IN_FRONT, ['sh', '-c', closed]);
  await waitUntil('it runs', () => readFileSync(`/proc/${child.pid}/comm`, 'utf8') === 'sleep\n');
  const { pid } = child;
  killLauncher(pid);
  assert.deepEqual(await child.exited, { code: null, signal: 'SIGKILL' });
  assert.equal(runningAs(pid), undefined);
});

test('a process that is told from others by when it began is asked to end, then ended', async () => {
  const child = spawnChild(['sh', '-c', 'trap "echo asked" TERM; echo up; while :; do sleep 0.05; done']);
  await untilSays(child, 'sh', /up/);
  const running = runningAs(child.pid) as Running;
  await endRunning({ ...running, since: '1' }, 0);
  assert.ok(child.running);
  await endRunning(running, 300);
  assert.equal((await child.exited).signal, 'SIGKILL');
  assert.match(child.output(), /asked/);
  await endRunning(running);
  assert.equal(runningAs(undefined), undefined);
});
