// SPDX-License-Identifier: AGPL-3.0-or-later
import { copyFileSync, linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../host/processes/process.os.ts';
import type { Cache } from './fetch.os.ts';
import type { Lock } from './lockfile.ts';

/**
 * Makes a flat Debian repository of exactly the packages of a lock, for apt to install from. There is one version of
 * each, so that nothing is left to choose. Trust comes from the lock's hashes; call after the cache is verified.
 */
export async function makeRepository(lock: Lock, cache: Cache, directory: string): Promise<void> {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const index: string[] = [];
  for (const entry of lock.packages) {
    const name = `${entry.name}_${entry.architecture}.deb`;
    linkOrCopy(cache.pathOf(entry), join(directory, name));
    const control = await run(['dpkg-deb', '--field', join(directory, name)]);
    index.push(`${control.trimEnd()}\nFilename: ./${name}\nSize: ${entry.size}\nSHA256: ${entry.sha256}\n`);
  }
  writeFileSync(join(directory, 'Packages'), index.join('\n'));
}

/** A hard link, or a copy where the two are on different file systems. */
export function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    copyFileSync(from, to);
  }
}
