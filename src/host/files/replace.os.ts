// SPDX-License-Identifier: AGPL-3.0-or-later
import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface Rights {
  /** Permission bits, exactly: the umask takes nothing away. */
  readonly mode: number;
  /** The user who writes it, when not given. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/**
 * Puts a file in the place of the one that has this name, or makes it. A reader meanwhile, and any after a crash, finds
 * the old file or the new one, whole, with its mode and owner: the content is written beside, where only
 * its writer may read it, and renamed.
 *
 * The content and then the name are always forced to the disk (fsync). Without the first, a power failure may leave the
 * new name on an empty file; without the second, it may bring the old file back after somebody has relied on the new
 * one, as with an authority's key whose certificate customers have. In memory (/run) both cost nothing, and elsewhere
 * such files are few.
 */
export function replaceFile(path: string, content: string | Uint8Array, { mode, owner }: Rights): void {
  removeLeftovers(path);
  const unfinished = `${path}.${process.pid}${UNFINISHED}`;
  try {
    const file = openSync(unfinished, 'wx', 0o600);
    try {
      writeFileSync(file, content);
      // Before the owner changes, so that CAP_CHOWN is the only right that is needed.
      fchmodSync(file, mode);
      if (owner !== undefined) fchownSync(file, owner.uid, owner.gid);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
  settleName(dirname(path));
}

const UNFINISHED = '.unfinished';

/** What writers left who were ended halfway. A writer that still runs is left alone: the last to finish wins. */
function removeLeftovers(path: string): void {
  const [directory, start] = [dirname(path), `${basename(path)}.`];
  for (const name of readdirSync(directory)) {
    if (!name.startsWith(start) || !name.endsWith(UNFINISHED)) continue;
    const writer = name.slice(start.length, -UNFINISHED.length);
    if (!/^\d+$/.test(writer)) continue;
    const runs = writer !== String(process.pid) && existsSync(`/proc/${writer}`);
    if (!runs) rmSync(join(directory, name));
  }
}

function settleName(directory: string): void {
  const opened = openSync(directory, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
