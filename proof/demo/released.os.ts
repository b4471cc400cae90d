// SPDX-License-Identifier: AGPL-3.0-or-later
import { createPublicKey, type KeyObject } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Operator } from '../../src/contracts/activation/operator.ts';
import { systemClock as clock } from '../../src/core/clock/clock.ts';
import { systemRandom as random } from '../../src/core/random/random.ts';
import { run } from '../../src/host/processes/process.os.ts';
import { Progress } from '../../src/host/terminal/terminal.ts';
import { makeIso } from '../../src/image/build/iso.os.ts';
import { REPOSITORY } from '../../src/image/build/recipe.os.ts';
import { imageState } from '../../src/image/build/state.os.ts';
import { builderKey, STATEMENT_FILE, writeStatement } from '../../src/image/release/builders.os.ts';
import { createKeyring } from '../../src/image/release/ceremony.os.ts';
import { signRelease } from '../../src/image/release/sign.os.ts';
import { serviceOperator } from '../../src/onebox/hosted.os.ts';
import { exclusively } from '../labs/image/built-image.os.ts';
import { copyOfBuild } from '../labs/release/test-operator.os.ts';
import { softToken } from '../labs/tokens/softhsm.os.ts';

/** Says nothing, for builds and signatures of tests. */
export const SILENT = new Progress({ write: () => undefined, interactive: false }, clock);

const NAME = 'Lethe';
const deps = { clock, random, journal: { say: () => undefined } };

/**
 * Makes the data directory of a service that has not run yet, and gives what its image has to be built with. Its keys are
 * those of every such service in this clone, so that tests which want the image of a service share one.
 */
export async function testService(directory: string): Promise<Operator> {
  const state = imageState().directory;
  mkdirSync(state, { recursive: true });
  const shared = join(state, 'test-service');
  await exclusively(`${shared}.lock`, async () => {
    if (!existsSync(shared)) await makeShared(shared);
  });
  await run(['cp', '--archive', shared, directory]);
  return (await serviceOperator({ directory, name: NAME }, deps)).operator;
}

/** All of it, or nothing. The activator, a user of its own, may not enter the directory of the clone. */
async function makeShared(shared: string): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'lethe-service-'));
  try {
    chmodSync(scratch, 0o711);
    await serviceOperator({ directory: join(scratch, 'data'), name: NAME }, deps);
    mkdirSync(dirname(shared), { recursive: true });
    const copy = mkdtempSync(`${shared}-`);
    await run(['cp', '--archive', join(scratch, 'data'), copy]);
    renameSync(join(copy, 'data'), shared);
    rmSync(copy, { recursive: true });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Two builders vouch for what they built, and the operator's token signs it. Makes and gives a release directory. */
export async function signedRelease(directory: string, builds: readonly [string, string]): Promise<string> {
  mkdirSync(directory, { recursive: true });
  const at = (name: string) => join(directory, name);
  const builders = new Map<string, KeyObject>();
  const statements: string[] = [];
  for (const [index, build] of builds.entries()) {
    const name = ['first', 'second'][index] as string;
    await copyOfBuild(build, at(name));
    const key = builderKey(at(`${name}.key`));
    builders.set(name, createPublicKey(key));
    await writeStatement(at(name), name, key);
    statements.push(join(at(name), STATEMENT_FILE));
  }
  const token = await softToken(directory);
  await signRelease({
    build: at('first'),
    statements: statements as [string, string],
    builders,
    keyring: await createKeyring({ clock, random }, at('keys'), 'Test', token.key, token.pin),
    key: token.key,
    pin: () => Promise.resolve(new Uint8Array(token.pin)),
    out: at('release'),
    repository: REPOSITORY,
    makeIso,
    progress: SILENT,
    // The working tree of a test may have changed.
    draft: true,
  });
  return at('release');
}
