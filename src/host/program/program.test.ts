// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { waitUntil } from '../../core/clock/until.ts';
import { type Child, spawnChild } from '../processes/process.os.ts';
import { untilSays } from '../processes/ready.os.ts';
import { startProblem } from './program.os.ts';

const ROOM = new URL('program.os.ts', import.meta.url).href;

/** A program with this body. */
function programOf(body: string): string[] {
  const script = `
    import { Program } from ${JSON.stringify(ROOM)};
    class Known extends Error {}
    const program = new Program('example', (error) => (error instanceof Known ? 'known' : undefined));
    ${body}`;
  return [process.execPath, '--input-type=module', '-e', script];
}

async function ended(body: string): Promise<{ code: number | null; output: string }> {
  const child = spawnChild(programOf(body));
  const { code } = await child.exited;
  return { code, output: child.output() };
}

const untilSaid = (child: Child, what: string) => untilSays(child, 'example', new RegExp(what));

const SERVING = `
  const alive = setInterval(() => undefined, 1000);
  program.serve({
    ready: { ready: 'example' },
    async close() { program.print('closing\\n'); clearInterval(alive); },
  });`;
const SAID = ['{"ready":"example"}', '{"code":"started","program":"example"}'];

test('it says that it serves, and ends in order at either signal, once', async () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const child = spawnChild(programOf(SERVING));
    await untilSaid(child, 'started');
    child.signal(signal);
    assert.equal((await child.exited).code, 0, child.output());
    const expected = [...SAID, 'closing', '{"code":"stopped","program":"example"}', ''];
    assert.deepEqual(child.output().split('\n'), expected);
  }
  const both = await ended(`${SERVING.replace('async close() {', 'async close() { await again();')}
    const again = () => {
      process.kill(process.pid, 'SIGINT');
      return new Promise((resolve) => setTimeout(resolve, 200));
    };
    process.kill(process.pid, 'SIGTERM');`);
  assert.equal(both.code, 0);
  assert.equal(both.output.match(/closing/g)?.length, 1);
});

test('a reader that has read enough is no failure', async () => {
  const body = "program.answer('x'.repeat(1_000_000));";
  const piped = 'set -o pipefail; "$@" | true; echo "ended with ${PIPESTATUS[0]}"';
  const child = spawnChild(['bash', '--norc', '-c', piped, 'bash', ...programOf(body)]);
  await child.exited;
  assert.equal(child.output(), 'ended with 0\n');
  assert.deepEqual(await ended("program.answer('all of it');"), { code: 0, output: 'all of it' });
});

test('it ends with the process that started it, when it is told to', async () => {
  for (const [endsWithParent, expected] of [
    [true, /closing[^]*stopped/],
    [false, /started[^]*still here/],
  ] as const) {
    const body = SERVING.replace('ready:', `endsWithParent: ${endsWithParent}, ready:`);
    const [node, ...words] = programOf(`${body}
      const first = process.ppid;
      setInterval(() => { if (process.ppid !== first) program.print('orphaned\\n'); }, 50);
      process.on('SIGUSR2', () => { program.print('still here\\n'); process.exit(0); });`);
    // The launcher's right to kill its child goes no further than to the shell.
    const shell = spawnChild(['sh', '-c', '"$@" & echo "pid $!"; wait', 'sh', node ?? '', ...words]);
    await untilSaid(shell, 'started');
    const pid = Number(/pid (\d+)/.exec(shell.output())?.[1]);
    shell.signal('SIGKILL');
    try {
      await untilSaid(shell, endsWithParent ? 'stopped' : 'orphaned');
      if (!endsWithParent) await new Promise((resolve) => setTimeout(resolve, 1000));
    } finally {
      if (isAlive(pid)) process.kill(pid, 'SIGUSR2');
    }
    await shell.exited;
    assert.match(shell.output(), expected);
    await waitUntil('it is gone', () => !isAlive(pid));
  }
});

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z');
  } catch {
    return false;
  }
}

test('a problem is one sentence and the exit code 1', async () => {
  assert.deepEqual(await ended("program.refuse('It is broken.')"), { code: 1, output: 'It is broken.\n' });
  const accepted = await ended(`
    program.print(program.accept({ loaded: 'whole\\n' }).loaded);
    program.accept({ problem: 'It is not whole.' });
    program.print('never');`);
  assert.deepEqual(accepted, { code: 1, output: 'whole\nIt is not whole.\n' });
});

test('root becomes the user, and is refused without one', async () => {
  const become = await ended(
    'program.giveUpRoot({ uid: 901, gid: 902 }); console.log(process.getuid(), process.getgid());',
  );
  assert.deepEqual(become, { code: 0, output: '901 902\n' });
  const refused = await ended('program.giveUpRoot(undefined);');
  assert.equal(refused.code, 1);
  assert.match(refused.output, /names no user to run as/);
});

test('an error that nobody caught ends it with its closed code, and nothing of what it holds is printed', async () => {
  for (const [error, failure] of [
    ["new Error('203.0.113.7')", 'uncaught'],
    ["new Known('203.0.113.7')", 'known'],
  ]) {
    const output = `{"code":"failed","program":"example","failure":"${failure}"}\n`;
    assert.deepEqual(await ended(`setTimeout(() => { throw ${error}; });`), { code: 1, output });
    assert.deepEqual(await ended(`await Promise.reject(${error});`), { code: 1, output });
  }
});

test('only errors that are known are shown to the operator', () => {
  assert.equal(startProblem(new RangeError('too far'), [TypeError, RangeError]), 'too far');
  assert.equal(startProblem(new Error('203.0.113.7'), [TypeError, RangeError]), 'The program could not start.');
});
