// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { needsMachine, needsRoot, quickFiles, reach, testFiles } from './files.ts';

const directory = mkdtempSync(join(tmpdir(), 'lethe-files-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const at = (name: string) => join(directory, name);

function write(name: string, text: string): string {
  mkdirSync(join(at(name), '..'), { recursive: true });
  writeFileSync(at(name), text);
  return at(name);
}

test('a file reaches what it imports, what it starts, and what those do', () => {
  write('deep/slow.ts', '');
  write('deep/middle.ts', "const { x } = await import('./slow.ts');");
  write('started.ts', "import '../elsewhere.ts';\nconst SOURCE = new URL('compiled.c', import.meta.url);");
  write('compiled.c', '#include "words.h"\n');
  write('words.h', '');
  write('typed.ts', '');
  const file = write(
    'a.test.ts',
    "import type {\n  T,\n} from './typed.ts';\nimport { m } from './deep/middle.ts';\nspawn(new URL('./started.ts', import.meta.url));",
  );
  const reached = { 'started.ts': 1, 'deep/middle.ts': 1, 'compiled.c': 2, 'deep/slow.ts': 2, 'words.h': 3 };
  assert.deepEqual(
    reach(file),
    new Map([[file, 0], ...Object.entries(reached).map(([name, steps]) => [at(name), steps] as const)]),
  );
});

test('files that import each other are no trouble', () => {
  const file = write('one.ts', "import './two.ts';");
  write('two.ts', "import './one.ts';");
  assert.deepEqual([...reach(file).keys()], [file, at('two.ts')]);
});

test('a quick file reaches nothing slow; what is not found any more is refused', () => {
  write('room/slow.os.ts', '');
  write('room/above.ts', "export * from './slow.os.ts';");
  const slow = write('slow.test.ts', "import { x } from './room/above.ts';");
  const quick = write('quick.test.ts', "import { x } from './other.ts';");
  const machine = write('m.vm.test.ts', '');
  assert.deepEqual(quickFiles([slow, quick, machine], ['room/slow.os.ts']), [quick]);
  assert.throws(() => quickFiles([quick, machine], ['room/slow.os.ts']), /no file of tests reaches room\/slow\.os\.ts/);
});

test('a file says in a line of its own that it needs root', () => {
  assert.equal(needsRoot(write('root.test.ts', '// SPDX\n// Needs root.\nimport x;')), true);
  assert.equal(needsRoot(write('plain.test.ts', '// Nobody here\nx(); // Needs root.\n')), false);
});

test('of our own files those with gateways and machines are not quick, and most others are', () => {
  const files = testFiles();
  const quick = quickFiles(files);
  const rest = files.filter((file) => !quick.includes(file));
  const slow = /\/(up|kill|namespace|demo|ikev2|browser-phone|enclosed)\.test\.ts$/;
  assert.deepEqual(
    quick.filter((file) => slow.test(file) || needsMachine(file)),
    [],
  );
  assert.ok(rest.filter(needsMachine).length > 5);
  for (const name of ['clock', 'accounts', 'authfile', 'files']) {
    assert.ok(
      quick.some((file) => file.endsWith(`/${name}.test.ts`)),
      name,
    );
  }
});
