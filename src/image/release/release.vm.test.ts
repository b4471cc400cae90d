// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { builtImage } from '../../../proof/labs/image/built-image.os.ts';
import { copyOfBuild } from '../../../proof/labs/release/test-operator.os.ts';
import { SOFTHSM, softToken } from '../../../proof/labs/tokens/softhsm.os.ts';
import { builderEntry } from '../../contracts/release/statement.ts';
import { systemClock } from '../../core/clock/clock.ts';
import { systemRandom } from '../../core/random/random.ts';
import { builderKey, STATEMENT_FILE, writeStatement } from './builders.os.ts';
import { createKeyring } from './ceremony.os.ts';
import { sign, verify } from './release.cli.ts';

test('the real image is signed for two builders, and a stranger rebuilds it and confirms the medium byte for byte', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-release-'));
  const memory = mkdtempSync('/dev/shm/lethe-release-');
  const at = (...names: string[]) => join(directory, ...names);
  const said = { stdout: '', stderr: '' };
  const terminal = (stream: 'stdout' | 'stderr') => ({
    interactive: false,
    write: (text: string) => {
      said[stream] += text;
    },
  });
  try {
    const { release } = await builtImage();
    const names = ['anna', 'berta'];
    for (const name of names) {
      await copyOfBuild(release, at(name));
      await writeStatement(at(name), name, builderKey(at(`${name}.key`)));
    }
    const entries = names.map((name) => builderEntry(name, builderKey(at(`${name}.key`))));
    writeFileSync(at('builders.json'), JSON.stringify({ builders: entries }));
    const soft = await softToken(directory);
    const deps = { clock: systemClock, random: systemRandom };
    await createKeyring(deps, at('keys'), 'Test', soft.key, soft.pin);
    writeFileSync(join(memory, 'pin'), soft.pin, { mode: 0o600 });
    const words = {
      ...deps,
      stdout: terminal('stdout'),
      stderr: terminal('stderr'),
      keyboard: process.stdin,
      environment: soft.environment ?? {},
    };
    const signed = await sign(
      {
        key: 'pkcs11:token=release;object=sign',
        module: SOFTHSM,
        pinFile: join(memory, 'pin'),
        statement: names.map((name) => at(name, STATEMENT_FILE)),
        build: at('anna'),
        builders: at('builders.json'),
        keys: at('keys'),
        out: at('release'),
        // The working tree of a test may have changed.
        draft: true,
      },
      words,
    );
    assert.equal(signed, 0, said.stderr);
    assert.match(said.stdout, /signed\n\n {2}PCR 4/);
    const iso = readdirSync(at('release')).find((name) => name.endsWith('.iso'));
    assert.ok(iso !== undefined);
    said.stdout = '';
    const flags = { builders: at('builders.json'), offline: true, json: true };
    const sound = await verify(at('release'), flags, words);
    const { steps } = JSON.parse(said.stdout) as { steps: { step: string; result: string; detail: string }[] };
    assert.deepEqual(
      steps.filter(({ result }) => result !== 'holds'),
      [],
    );
    assert.equal(sound, 0);
    assert.equal(steps.length, 8);
  } finally {
    rmSync(directory, { recursive: true });
    rmSync(memory, { recursive: true });
  }
});
