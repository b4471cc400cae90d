// SPDX-License-Identifier: AGPL-3.0-or-later
import type { SpawnOptions } from './process.os.ts';

export interface User {
  readonly uid: number;
  readonly gid: number;
}

/**
 * How a program of ours is started that gives up root by itself: it has the rights that {@link giveUpRoot} needs, and the
 * one to read its own files where only root may. `more` is what else it does before that.
 */
export function ownProgram(
  filter: string | undefined,
  ...more: readonly string[]
): Pick<SpawnOptions, 'rights' | 'filter'> {
  const rights = ['setuid', 'setgid', 'dac_read_search', ...more];
  return filter === undefined ? { rights } : { rights, filter };
}

/** The calls that change which user a process runs as. */
export type UserCalls = Required<Pick<NodeJS.Process, 'getuid' | 'setgroups' | 'setgid' | 'setuid'>>;

/**
 * Becomes the user for good; nothing that follows can read what only root may. Without root it does nothing.
 * A root without a user to become is refused: everything after this talks to strangers.
 */
export function giveUpRoot(user: User | undefined, process: UserCalls): { problem: string } | undefined {
  if (process.getuid() !== 0) return undefined;
  if (user === undefined) return { problem: 'the configuration names no user to run as, and root is refused' };
  process.setgroups([]);
  process.setgid(user.gid);
  process.setuid(user.uid);
  return undefined;
}

/** Calls back when the process that started this one is gone: no one else would stop us. */
export function watchParent(gone: () => void, parent: () => number = () => process.ppid, every = 500): () => void {
  const first = parent();
  const timer = setInterval(() => {
    if (parent() === first) return;
    clearInterval(timer);
    gone();
  }, every);
  return () => clearInterval(timer);
}
