// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../host/processes/process.os.ts';

/** What it finds in a machine, proof/demo/activation.vm.test.ts shows. */
const directory = mkdtempSync(join(tmpdir(), 'lethe-integrity-'));
const at = (name: string) => join(directory, name);
const SANITIZED = ['-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

before(async () => {
  const source = fileURLToPath(new URL('integrity.c', import.meta.url));
  await run(['gcc', '-O2', '-Wall', '-Wextra', '-Werror', ...SANITIZED, '-o', at('integrity'), source]);
  writeFileSync(at('device'), Buffer.alloc(3 << 20, 7));
  writeFileSync(at('list'), '/usr/bin/one\n/usr/bin/two\n');
  writeFileSync(at('empty'), '');
  writeFileSync(at('cut'), '/usr/bin/one\n/usr/bin/tw');
  writeFileSync(at('long'), '/x\n'.repeat(1 << 19));
});
after(() => rmSync(directory, { recursive: true, force: true }));

test('what cannot be looked at is never taken for good', async () => {
  const refused = (why: RegExp, ...argv: string[]) => assert.rejects(run([at('integrity'), ...argv.map(at)]), why);
  await refused(/code 1: usage/);
  await refused(/code 1: usage/, 'device');
  await refused(/code 1: .*nothing cannot be opened past the page cache/, 'nothing', 'list');
  await refused(/code 1: .*empty has no size/, 'empty', 'list');
  await refused(/code 1: .*nothing cannot be read/, 'device', 'nothing');
  for (const list of ['empty', 'cut', 'long']) await refused(/code 1: .* is no list/, 'device', list);
  // This machine runs what is no file of that device, or does not let us look.
  await refused(/code 1: (?:\S+ is executed and is no file|a process cannot be looked at)/, 'device', 'list');
});
