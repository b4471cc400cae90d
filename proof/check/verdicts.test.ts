// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { systemClock } from '../../src/core/clock/clock.ts';
import { type Check, check, memoryOf } from './check.cli.ts';
import { GoodVerdicts, stateOf } from './verdicts.os.ts';

let top = '';
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'lethe-check-'));
  write('tree/src/a.ts', "import { b } from './b.ts';\n");
  write('tree/src/b.ts', "import type { c } from './c.ts';\n");
  write('tree/src/c.ts', 'export const c = 1;\n');
  write('tree/src/apart.ts', 'export const d = 1;\n');
  write('tree/rules.json', '{}');
  write('tree/README.md', 'Read me.\n');
  write('tree/node_modules/@x/judge/package.json', '{"version":"1.0.0"}');
  symlinkSync('src/a.ts', join(top, 'tree/link'));
});
afterEach(() => rmSync(top, { recursive: true }));

function write(path: string, content: string): void {
  mkdirSync(dirname(join(top, path)), { recursive: true });
  writeFileSync(join(top, path), content);
}

/** A judge of files who dislikes a word, and one who always finds all well. Both write down what they were shown. */
function judges(meanwhile = 'true'): Check[] {
  const judge = `cd ${top}/tree; ${meanwhile}; echo files "$@" >>../shown; [ $# != 0 ] || set -- src/*.ts; ! grep -n bad "$@"`;
  const files = ['sh', '-c', judge, 'judge'];
  return [
    { title: 'files', argv: files, each: { files: /^src\//, argv: files } },
    { title: 'all', argv: ['sh', '-c', `echo all >>${top}/shown`] },
  ];
}

/** The exit code of a check, what it printed, and what the judges were shown. */
async function checked(checks = judges(), versions = 'v1') {
  const printed: string[] = [];
  rmSync(join(top, 'shown'), { force: true });
  const good = new GoodVerdicts(join(top, 'made/verdicts.json'));
  const memory = { good, state: () => stateOf(join(top, 'tree'), versions) };
  const terminal = { write: (text: string) => printed.push(text), interactive: false };
  const code = await check(terminal, systemClock, checks, memory);
  const shown = existsSync(join(top, 'shown'))
    ? readFileSync(join(top, 'shown'), 'utf8').trim().split('\n').toSorted()
    : [];
  return { code, shown, printed: printed.join('') };
}

test('a second check of the same files judges nothing', async () => {
  assert.deepEqual((await checked()).shown, ['all', 'files src/a.ts src/apart.ts src/b.ts src/c.ts']);
  const again = await checked();
  assert.deepEqual([again.code, again.shown], [0, []]);
  assert.match(again.printed, /✓ files: nothing new[^]*✓ all: nothing new/);
});

test('a changed file is judged again, with all that import it, and nothing else', async () => {
  await checked();
  write('tree/src/c.ts', 'export const c = 2;\n');
  assert.deepEqual((await checked()).shown, ['all', 'files src/a.ts src/b.ts src/c.ts']);
  write('tree/src/new.ts', 'export const e = 1;\n');
  assert.deepEqual((await checked()).shown, ['all', 'files src/new.ts']);
  write('tree/README.md', 'Read me again.\n');
  assert.deepEqual((await checked()).shown, ['all']);
  rmSync(join(top, 'tree/link'));
  symlinkSync('src/b.ts', join(top, 'tree/link'));
  assert.deepEqual((await checked()).shown, ['all']);
  rmSync(join(top, 'tree/src/c.ts'));
  assert.deepEqual((await checked()).shown, ['all', 'files src/a.ts src/b.ts']);
});

test('what was bad is judged again until it is good, or again as it was when it was good', async () => {
  await checked();
  write('tree/src/c.ts', 'bad\n');
  for (const _ of ['once', 'twice']) {
    const { code, shown, printed } = await checked();
    assert.deepEqual([code, shown.at(-1)], [1, 'files src/a.ts src/b.ts src/c.ts']);
    assert.match(printed, /src\/c\.ts:1:bad/);
  }
  write('tree/src/c.ts', 'export const c = 1;\n');
  const { code, shown } = await checked();
  assert.deepEqual([code, shown], [0, ['all']]);
});

test('other versions, other programs or another configuration judge everything anew', async () => {
  await checked();
  const whole = ['all', 'files src/a.ts src/apart.ts src/b.ts src/c.ts'];
  assert.deepEqual((await checked(judges(), 'v2')).shown, whole);
  write('tree/node_modules/@x/judge/package.json', '{"version":"1.0.1"}');
  assert.deepEqual((await checked(judges(), 'v2')).shown, whole);
  write('tree/rules.json', '{"strict":true}');
  assert.deepEqual((await checked(judges(), 'v2')).shown, whole);
});

test('a file that changes while it is judged is not taken for good', async () => {
  write('tree/src/c.ts', 'bad\n');
  assert.equal((await checked(judges('echo good >src/c.ts'))).code, 0);
  write('tree/src/c.ts', 'bad\n');
  assert.equal((await checked()).code, 1);
});

test('a memory that cannot be read knows nothing', async () => {
  await checked();
  write('made/verdicts.json', '{');
  assert.equal((await checked()).shown.length, 2);
});

test('the memory of this checkout knows its judges', async () => {
  const memory = await memoryOf('.');
  assert.ok(memory.state().tree.has('proof/check/verdicts.test.ts'));
  assert.equal(memory.good.has({ name: 'unknown', digest: '' }), false);
});
