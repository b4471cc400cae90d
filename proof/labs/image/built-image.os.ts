// SPDX-License-Identifier: AGPL-3.0-or-later
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { formatOperator, type Operator } from '../../../src/contracts/activation/operator.ts';
import { systemClock } from '../../../src/core/clock/clock.ts';
import { spawnChild } from '../../../src/host/processes/process.os.ts';
import { Progress } from '../../../src/host/terminal/terminal.ts';
import { buildImage, buildProbe } from '../../../src/image/build/build.os.ts';
import { FetchError, fetchLocks, openCache } from '../../../src/image/build/fetch.os.ts';
import { inputsDigest } from '../../../src/image/build/inputs.os.ts';
import { lockImage, machineSources } from '../../../src/image/build/lock.os.ts';
import { bundlePrograms } from '../../../src/image/build/programs.os.ts';
import { recipeOf } from '../../../src/image/build/recipe.os.ts';
import { type BuildRecord, OUTPUTS } from '../../../src/image/build/record.ts';
import { type ImageState, imageState, readLock, workshopFor } from '../../../src/image/build/state.os.ts';
import { toolsTree } from '../../../src/image/build/workshop.os.ts';

/** An image of this working tree, in both variants. The directories are shared between tests: never write into them. */
export interface BuiltImage {
  /** Build directory of the release variant: `root.img`, `uki.efi` (unsigned), `build.json` and so on. */
  readonly release: string;
  /** Build directory of the variant that obeys a test. Its `root.img` is the same. */
  readonly probe: string;
}

export interface BuiltOptions {
  /** Goes into the root image, so each operator is an image of its own; a build takes about half a minute. */
  readonly operator?: Operator;
}

/**
 * Gives the image of this working tree as it is now, and builds it when no test has asked for these inputs before. Tests
 * in several processes may ask at once. Needs root, and the network when packages are not in the cache yet.
 *
 * ```ts
 * const { probe } = await builtImage({ operator });
 * await makeIso(probe, join(probe, 'uki.efi'), join(temporary, 'probe.iso'));
 * ```
 */
export async function builtImage({ operator }: BuiltOptions = {}): Promise<BuiltImage> {
  const state = imageState();
  return await alone(state, async () => {
    const locks = await fetchedLocks(state);
    const recipe = recipeOf();
    const programs = mkdtempSync(join(state.directory, '.programs-'));
    try {
      await bundlePrograms(recipe, programs);
      const written = operator === undefined ? undefined : formatOperator(operator);
      const digest = inputsDigest(recipe, locks, programs, written).slice(0, 32);
      const release = join(state.directory, 'built', digest);
      const probe = `${release}-probe`;
      const progress = new Progress({ write: () => undefined, interactive: false }, systemClock);
      const options = { progress, locks, keepTree: true, ...(operator === undefined ? {} : { operator }) };
      if (!existsSync(release)) await buildImage({ ...options, out: release });
      if (!existsSync(probe)) await buildProbe(release, { progress, out: probe });
      forgetUnused(join(state.directory, 'built'), [release, probe], systemClock.wall());
      return { release, probe };
    } finally {
      rmSync(programs, { recursive: true, force: true });
    }
  });
}

/** Unpacks the root image of a build into `work`, or a part of it, and gives the path. Needs root. */
export async function unpackRoot(
  { release }: BuiltImage,
  work: string,
  parts: readonly string[] = [],
): Promise<string> {
  const workshop = await workshopFor(imageState(), join(release, 'tools.lock'), { work, see: { out: release } });
  await workshop.run(['unsquashfs', '-quiet', '-no-progress', '-dest', 'root', '/lethe/out/root.img', ...parts]);
  return join(work, 'root');
}

/** Names of the outputs that two builds do not share. */
export function differing(one: BuildRecord, other: BuildRecord): string[] {
  return OUTPUTS.filter((name) => one.outputs[name].sha256 !== other.outputs[name].sha256).toSorted();
}

const DAY = 86_400_000;

/** Each change of a source makes another image. Removes those that no test has used for a day; `now` in milliseconds. */
export function forgetUnused(directory: string, used: readonly string[], now: number): void {
  for (const path of used) utimesSync(path, now / 1000, now / 1000);
  for (const name of readdirSync(directory)) {
    const path = join(directory, name);
    if (statSync(path).mtimeMs < now - DAY) rmSync(path, { recursive: true, force: true });
  }
}

/**
 * The recipe's locks; or, where the archive has moved on and the packages were not kept, fresh ones of our own. Their
 * packages are in the cache, and the chroot of tools is made: tests that build at the same time do neither twice.
 */
export async function availableLocks(): Promise<string> {
  const state = imageState();
  return await alone(state, async () => {
    const locks = await fetchedLocks(state);
    const tools = readLock(join(locks, 'tools.lock'));
    await toolsTree(tools, openCache(state.cache), state.tools, () => Promise.resolve());
    return locks;
  });
}

async function fetchedLocks(state: ImageState): Promise<string> {
  const recipe = recipeOf();
  const fresh = join(state.directory, 'fresh-lock');
  const fetchAll = async (directory: string) => {
    const locks = [readLock(join(directory, 'packages.lock')), readLock(join(directory, 'tools.lock'))];
    await fetchLocks(locks, openCache(state.cache), machineSources());
  };
  return await despiteDrift(recipe.directory, fetchAll, async (why) => {
    process.stderr.write(`${why}\nThe tests go on with a fresh lock.\n`);
    if (!existsSync(fresh)) await lockImage(recipe, fresh);
    return fresh;
  });
}

/** Fetches the locks of a directory; when the archive has dropped one, those of another that is made then. */
export async function despiteDrift(
  directory: string,
  fetchAll: (directory: string) => Promise<void>,
  lockAgain: (why: string) => Promise<string>,
): Promise<string> {
  try {
    await fetchAll(directory);
    return directory;
  } catch (error) {
    if (!(error instanceof FetchError) || error.code !== 'drift') throw error;
    const fresh = await lockAgain(error.message);
    await fetchAll(fresh);
    return fresh;
  }
}

/** Works while no other test makes something that all of them share. */
async function alone<T>(state: ImageState, work: () => Promise<T>): Promise<T> {
  mkdirSync(state.directory, { recursive: true });
  return await exclusively(join(state.directory, 'fixture.lock'), work);
}

/** Works while no other process does. The lock is the kernel's: it ends with its holder. */
export async function exclusively<T>(file: string, work: () => Promise<T>): Promise<T> {
  let held: () => void = () => undefined;
  const holding = new Promise<void>((resolve) => {
    held = resolve;
  });
  const holder = spawnChild(['flock', '--no-fork', file, 'sh', '-c', 'echo held; exec sleep infinity'], {
    onOutput: () => held(),
  });
  const failed = holder.exited.then(() => {
    throw new Error(`${file} could not be locked`);
  });
  try {
    await Promise.race([holding, failed]);
    failed.catch(() => undefined);
    return await work();
  } finally {
    await holder.stop();
  }
}
