// SPDX-License-Identifier: AGPL-3.0-or-later
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { walkTree } from './contents.os.ts';

/** Where the image keeps the list of what may be executed in it; src/gateway/boot/integrity.c compares with it. */
export const EXECUTABLES = 'usr/lib/lethe/executables';

const ELF = Buffer.from('\x7fELF', 'latin1');

/**
 * Programs and libraries of a tree, as a running system names them, one a line. Modules are the kernel's to check; scripts
 * are read and never mapped.
 */
export function listExecutables(root: string): string {
  const paths = [...walkTree(root)]
    .filter(({ kind, path }) => kind === 'file' && !path.endsWith('.ko') && isElf(join(root, path)))
    .map(({ path }) => `/${path}\n`);
  return paths.toSorted().join('');
}

function isElf(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const start = Buffer.alloc(ELF.length);
    return readSync(file, start) === ELF.length && start.equals(ELF);
  } finally {
    closeSync(file);
  }
}
