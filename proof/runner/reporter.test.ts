// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import { run } from '../../src/host/processes/process.os.ts';
import { GATE, table } from './coverage.ts';
import { count, fileLine, follow, sum, type Tally } from './reporter.ts';

const directory = mkdtempSync(join(tmpdir(), 'lethe-reporter-'));
after(() => rmSync(directory, { recursive: true, force: true }));

/** What a run of one file prints, followed in a process of its own: Node runs no tests within a test. */
async function printed(text: string): Promise<{ lines: string; tally: Tally }> {
  const file = join(directory, 'x.test.mjs');
  writeFileSync(file, text);
  const script = join(directory, 'follow.ts');
  writeFileSync(
    script,
    `import { run } from 'node:test';
    import { follow } from '${join(import.meta.dirname, 'reporter.ts')}';
    const tally = { passed: 0, failed: 0, milliseconds: 0 };
    let lines = '';
    await follow(run({ files: ['${file}'] }), tally, (text) => { lines += text; }, false);
    console.log(JSON.stringify({ tally, lines }));`,
  );
  return JSON.parse(await run([process.execPath, script]));
}

test('tests are counted, failures printed whole, and figures told', async () => {
  const { lines, tally } = await printed(`
    import { test } from 'node:test';
    console.error('not printed');
    test('good', (t) => { t.diagnostic('12 ms'); t.diagnostic('a  1\\nb  2'); });
    test('bad', () => { throw new RangeError('too far'); });
    test('skipped', { skip: true }, () => {});`);
  assert.equal(count(tally), '1 passed, 2 failed');
  assert.ok(tally.milliseconds > 0);
  assert.match(lines, /^12 ms\n\na {2}1\nb {2}2\n\nFAILED {2}\S*x\.test\.mjs: bad\nRangeError: too far\n {4}at /m);
  assert.match(lines, /: skipped \(skipped, which counts as failed\)\n/);
  assert.doesNotMatch(lines, /not printed/);
});

test('a file that cannot even begin fails, with what Node says of it', async () => {
  const { lines, tally } = await printed("import './nowhere.mjs';");
  assert.equal(count(tally), '0 passed, 1 failed');
  assert.match(lines, /^\nFAILED {2}\S*x\.test\.mjs: the file itself\n[^]*Cannot find module [^]*nowhere\.mjs/);
});

test('what a file says on standard error is printed when asked for', async () => {
  async function* events(): AsyncGenerator<TestEvent> {
    yield { type: 'test:stderr', data: { file: 'x', message: 'said\n' } };
  }
  const printedBy = async (verbose: boolean) => {
    const texts: string[] = [];
    await follow(events(), { passed: 0, failed: 0, milliseconds: 0 }, (text) => texts.push(text), verbose);
    return texts;
  };
  assert.deepEqual([await printedBy(true), await printedBy(false)], [['said\n'], []]);
});

test('a file has one line, and counts add up', () => {
  const tally = { passed: 7, failed: 0, milliseconds: 10 };
  assert.equal(fileLine('src/a.test.ts', tally, 1.25), 'ok         1.3 s     7  src/a.test.ts\n');
  assert.match(fileLine('a', { ...tally, failed: 1 }, 100), /^FAILED {3}100\.0 s {5}7 {2}a\n$/);
  assert.deepEqual(sum([tally, { passed: 1, failed: 2, milliseconds: 5 }]), { passed: 8, failed: 2, milliseconds: 15 });
});

test('coverage is judged apart for what ships and what proves, and files below the gate are shown', () => {
  const file = (path: string, lines: number, branches = 1000) => ({
    path: join(process.cwd(), path),
    totalLineCount: 1000,
    totalBranchCount: 1000,
    totalFunctionCount: 10,
    coveredLineCount: lines,
    coveredBranchCount: branches,
    coveredFunctionCount: 10,
  });
  const judged = (...files: ReturnType<typeof file>[]) => {
    const texts: string[] = [];
    return { reached: table({ files: files as never }, (text) => texts.push(text)), text: texts.join('') };
  };
  const low = file('src/low.ts', 900);
  const proof = file('proof/a.ts', 950);
  const good = judged(low, file('cmd/high.ts', 1000), proof);
  assert.equal(good.reached, true);
  assert.match(
    good.text,
    / 90\.0 {3}100\.0 {3}100\.0 {2}src\/low\.ts\n {2}95\.0 .* what ships, 2 files\n {2}95\.0 .* what proves, 1 files\n/,
  );
  assert.match(good.text, / {2}95\.0 .* all, 3 files\n$/);
  // All of proof together would lift what ships above the gate.
  const lifted = judged(low, ...['a', 'b', 'c'].map((name) => file(`proof/${name}.ts`, 1000)));
  assert.equal(lifted.reached, false);
  assert.match(lifted.text, /FAILED {2}coverage of what ships is below 95 %/);
  const high = file('src/a.ts', 1000);
  assert.equal(judged(file('src/a.ts', 1000, 10 * GATE - 1), proof).reached, false);
  assert.match(
    judged(high, high, high, file('proof/a.ts', 899)).text,
    /FAILED {2}coverage of what proves is below 90 %/,
  );
  assert.match(judged(high, file('proof/a.ts', 899)).text, /FAILED {2}coverage of all is below 95 %/);
  assert.match(judged(high, proof, file('tools/a.ts', 1000)).text, /FAILED {2}1 files belong to no part/);
  assert.equal(judged(high).reached, false);
});
