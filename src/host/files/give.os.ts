// SPDX-License-Identifier: AGPL-3.0-or-later
import { execFileSync } from 'node:child_process';
import { lstatSync } from 'node:fs';

/**
 * Gives a directory and all that is in it to a user, unless it is the user's already: after a backup was restored on a
 * machine that has other numbers for the same names. Only what belonged to the directory's owner is given, so that a
 * file of root's that was linked into it stays root's, and no link is followed. The directory itself comes last, so that
 * a start that is interrupted is made up for by the next one.
 */
export function giveTree(directory: string, { uid, gid }: { readonly uid: number; readonly gid: number }): void {
  const owner = lstatSync(directory).uid;
  if (owner === uid) return;
  execFileSync('chown', ['--recursive', '-P', '--no-dereference', `--from=${owner}`, `${uid}:${gid}`, directory]);
}
