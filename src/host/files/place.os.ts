// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Rights, replaceFile } from './replace.os.ts';

/** A file to be placed: its path below the root, and whose it is. */
export interface PlacedFile extends Required<Rights> {
  readonly path: string;
  readonly content: string;
}

/** Writes files below `root`, and the directories that they need, which everybody may enter. */
export function placeFiles(root: string, files: readonly PlacedFile[]): void {
  for (const { path, content, ...rights } of files) {
    const at = join(root, path);
    mkdirSync(dirname(at), { recursive: true, mode: 0o755 });
    replaceFile(at, content, rights);
  }
}
