// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fetchLocks, openCache } from './fetch.os.ts';
import { type Lock, parseLock } from './lockfile.ts';
import { REPOSITORY } from './recipe.os.ts';
import type { Source } from './sources.ts';
import { openWorkshop, toolsTree, type Workshop, type WorkshopOptions } from './workshop.os.ts';

/** What image builds of a clone share: fetched packages, the tools' tree, finished images. All of it can be made again. */
export interface ImageState {
  readonly directory: string;
  readonly cache: string;
  readonly tools: string;
}

/** `.lethe/image` in the clone; it may be a link to a directory that several clones share. */
export function imageState(directory = join(REPOSITORY, '.lethe/image')): ImageState {
  return { directory, cache: join(directory, 'cache'), tools: join(directory, 'tools') };
}

export function readLock(file: string): Lock {
  return parseLock(readFileSync(file, 'utf8'));
}

/** The chroot of the tools that a lock names. What is not in the cache is fetched when `sources` are given. */
export async function workshopFor(
  state: ImageState,
  lockFile: string,
  options: WorkshopOptions,
  sources?: readonly Source[],
): Promise<Workshop> {
  const lock = readLock(lockFile);
  const cache = openCache(state.cache);
  const tree = await toolsTree(lock, cache, state.tools, () => fetchLocks([lock], cache, sources));
  return openWorkshop(tree, options);
}
