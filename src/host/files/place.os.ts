// SPDX-License-Identifier: AGPL-3.0-or-later
import { chmodSync, chownSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A file to be placed: its path below the root, and whose it is. */
export interface PlacedFile {
  readonly path: string;
  readonly content: string;
  readonly mode: number;
  readonly owner: { readonly uid: number; readonly gid: number };
}

/**
 * Writes files below `root`. Each appears at once with its content, mode and owner; nobody sees it half made. The mode is
 * set before the owner, so that the right to give files away is the only one that is needed.
 */
export function placeFiles(root: string, files: readonly PlacedFile[]): void {
  for (const { path, content, mode, owner } of files) {
    const at = join(root, path);
    const unfinished = `${at}.unfinished`;
    mkdirSync(dirname(at), { recursive: true, mode: 0o755 });
    rmSync(unfinished, { force: true });
    writeFileSync(unfinished, content, { mode: 0o600 });
    chmodSync(unfinished, mode);
    chownSync(unfinished, owner.uid, owner.gid);
    renameSync(unfinished, at);
  }
}
