// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { run } from '../../src/host/processes/process.os.ts';
import { type Fate, hunt } from './hunt.os.ts';
import { describe, type Mutant, mutantsOf, mutate } from './mutant.ts';
import { scoreOf } from './mutants.cli.ts';
import { nearTests } from './near.ts';
import { MUTANTS } from './table.ts';

const root = mkdtempSync(join(tmpdir(), 'lethe-mutants-test-'));
after(() => rmSync(root, { recursive: true, force: true }));

test('every line of the table is in its file once, and is a program still when it is broken', () => {
  const seen = new Set<string>();
  for (const mutant of mutantsOf(MUTANTS)) {
    const broken = mutate(readFileSync(mutant.file, 'utf8'), mutant);
    const one = `${mutant.file} ${broken}`;
    assert.ok(!seen.has(one), `twice in the table: ${mutant.file} ${mutant.from}`);
    seen.add(one);
  }
  assert.ok(seen.size >= 200, `${seen.size} mutants`);
});

test('a mutant whose line is gone, is there twice, changes nothing or is no program is refused', () => {
  const of = (from: string, to: string): Mutant => ({ file: 'a.ts', from, to });
  const text = 'if (a) b();\nif (c) b();\n';
  assert.equal(mutate(text, of('if (a)', 'if (false)')), 'if (false) b();\nif (c) b();\n');
  assert.throws(() => mutate(text, of('if (d)', 'if (false)')), /a\.ts: the line of a mutant is gone: if \(d\)/);
  assert.throws(() => mutate(text, of('b();', 'c();')), /occurs twice/);
  assert.throws(() => mutate(text, of('if (a)', 'if (a)')), /changes nothing/);
  assert.throws(() => mutate(text, of('if (a)', 'if (')), /not TypeScript any more: a\.ts: if \(/);
  assert.equal(describe(of('if (c)', ''), text), 'a.ts:2  if (c)  →  (nothing)');
});

test('the tests beside a file are tried first, then the shortest that reach it, never a machine or the table', () => {
  const near = nearTests({ 'proof/runner/times.test.ts': 1 });
  const found = near('proof/runner/times.ts');
  assert.equal(found[0], 'proof/runner/times.test.ts');
  assert.ok(!found.includes('proof/mutants/mutants.test.ts'));
  assert.equal(near('src/host/processes/filter.c')[0], 'src/host/processes/filter.test.ts');
  assert.deepEqual(
    near('src/image/build/iso.os.ts').filter((file) => file.endsWith('.vm.test.ts')),
    [],
  );
});

test('a broken line that a test guards is noticed, one that none guards is not, and nothing stays broken', async () => {
  const files = {
    'guard.ts': 'export const allowed = (age: number) => age >= 18;\nexport const greeting = () => `hello`;\n',
    'guard.test.ts': `import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowed, greeting } from './guard.ts';
test('adults', () => assert.deepEqual([allowed(17), allowed(18)], [false, true]));
test('greets', () => assert.ok(greeting().length > 0));
`,
    'red.test.ts': `import './guard.ts';\nthrow new Error('always red');\n`,
    'ignored.log': 'not copied',
    '.gitignore': '*.log\n',
  };
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
  await run(['git', 'init', '--quiet', root]);
  // Deleted, and not yet committed.
  writeFileSync(join(root, 'gone.ts'), '');
  await run(['git', '-C', root, 'add', 'gone.ts']);
  rmSync(join(root, 'gone.ts'));
  const mutants: Mutant[] = [
    { file: 'guard.ts', from: 'age >= 18', to: 'age > 18' },
    { file: 'guard.ts', from: 'hello', to: 'goodbye' },
    { file: 'guard.ts', from: '`hello`', to: '`hi`', survives: 'any greeting will do' },
  ];
  const told: Fate[] = [];
  const near = () => ['red.test.ts', 'guard.test.ts'];
  const fates = await hunt(mutants, { root, near, lanes: 1, onFate: (fate) => void told.push(fate) });
  assert.deepEqual(
    fates.map(({ killer }) => killer),
    ['guard.test.ts', undefined, undefined],
  );
  assert.deepEqual(told, fates);
  assert.equal(scoreOf(fates), '1 of 3 mutants noticed, 1 explained, 1 unnoticed');
  assert.equal(readFileSync(join(root, 'guard.ts'), 'utf8'), files['guard.ts']);
  assert.ok(existsSync(join(root, 'ignored.log')));
});
