// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../clock/clock.ts';
import { builtImage } from '../image/fixture.os.ts';
import { makeIso } from '../image/iso.os.ts';
import { REPOSITORY } from '../image/recipe.os.ts';
import { run } from '../processes/process.os.ts';
import { systemRandom } from '../random/random.ts';
import { Progress } from '../terminal/terminal.ts';
import { softToken } from '../tokens/softhsm.os.ts';
import { builderKey, STATEMENT_FILE, writeStatement } from './builders.os.ts';
import { createKeyring } from './ceremony.os.ts';
import { signRelease } from './sign.os.ts';
import { type Step, verifyRelease } from './verify.os.ts';

test('the real image is signed by two builders and a token, and a stranger confirms its medium byte for byte', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-release-'));
  const at = (...names: string[]) => join(directory, ...names);
  try {
    const { release } = await builtImage();
    const builders = new Map<string, ReturnType<typeof createPublicKey>>();
    for (const name of ['anna', 'berta']) {
      await run(['cp', '--archive', release, at(name)]);
      const key = builderKey(at(`${name}.key`));
      builders.set(name, createPublicKey(key));
      await writeStatement(at(name), name, key);
    }
    const soft = await softToken(directory);
    const deps = { clock: systemClock, random: systemRandom };
    const keyring = await createKeyring(deps, at('keys'), 'Test', soft.key, soft.pin);
    await signRelease({
      build: at('anna'),
      statements: [at('anna', STATEMENT_FILE), at('berta', STATEMENT_FILE)],
      builders,
      keyring,
      key: soft.key,
      pin: () => Promise.resolve(new Uint8Array(soft.pin)),
      out: at('release'),
      repository: REPOSITORY,
      makeIso,
      progress: new Progress({ write: () => undefined, interactive: false }, systemClock),
      // The working tree of a test may have changed.
      draft: true,
    });
    const steps: Step[] = [];
    const report = (step: Step) => void steps.push(step);
    const sound = await verifyRelease({
      release: at('release'),
      rebuild: at('berta'),
      builders,
      repository: REPOSITORY,
      makeIso,
      report,
    });
    assert.deepEqual(
      steps.filter(({ result }) => result !== 'holds'),
      [],
    );
    assert.ok(sound);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
