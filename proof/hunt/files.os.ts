// SPDX-License-Identifier: AGPL-3.0-or-later
import { closeSync, type Dirent, fstatSync, openSync, readdirSync, readlinkSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { unpacked } from './decode.ts';
import type { Tally } from './place.ts';

/** Files up to this size are also looked into for what is packed inside them. */
const UNPACKED_UP_TO = 64 << 20;

/** What ends or is deleted while we look; and what cannot be read as a file. */
const PASSED_OVER = new Set(['ENOENT', 'ESRCH', 'ENXIO', 'ENOTDIR', 'EINVAL', 'EIO']);

function unlessGone<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch (error) {
    if (PASSED_OVER.has((error as NodeJS.ErrnoException).code ?? '')) return otherwise;
    throw error;
  }
}

function searchText(at: string, tally: Tally, text: string): void {
  tally.part(at).feed(Buffer.from(text));
}

/** Searches bytes, and whatever is packed inside them. */
export function searchBytes(at: string, bytes: Uint8Array, tally: Tally): void {
  tally.part(at).feed(bytes);
  for (const inner of unpacked(bytes)) tally.part(`${at} (unpacked)`).feed(inner);
}

function searchFile(path: string, at: string, tally: Tally): void {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    if (size <= UNPACKED_UP_TO) {
      const bytes = new Uint8Array(size);
      searchBytes(at, bytes.subarray(0, readSync(file, bytes, 0, size, 0)), tally);
      return;
    }
    const search = tally.part(at);
    for (;;) {
      const count = readSync(file, search.room);
      if (count === 0) return;
      search.filled(count);
    }
  } finally {
    closeSync(file);
  }
}

/**
 * Searches the names and the contents of all files below a directory: also a database's directory, whose tables and logs
 * are searched as the bytes they are, deleted rows included. Links are not followed, their targets are searched as text.
 * `/proc/PID/root/run` reaches what a process sees as /run. Gives the number of files.
 */
export function searchTree(directory: string, tally: Tally): number {
  let files = 0;
  const entries: Dirent[] = unlessGone(() => readdirSync(directory, { withFileTypes: true }), []);
  for (const entry of entries) {
    const path = join(directory, entry.name);
    searchText(path, tally, entry.name);
    if (entry.isDirectory()) files += searchTree(path, tally);
    if (entry.isSymbolicLink())
      searchText(
        path,
        tally,
        unlessGone(() => readlinkSync(path), ''),
      );
    if (entry.isFile()) {
      files += 1;
      unlessGone(() => searchFile(path, path, tally), undefined);
    }
  }
  return files;
}

/** Searches every regular file that the process has open, deleted ones and those in memory included. */
export function searchOpenFiles(pid: number, tally: Tally): number {
  const directory = `/proc/${pid}/fd`;
  let files = 0;
  for (const descriptor of unlessGone(() => readdirSync(directory), [])) {
    const path = join(directory, descriptor);
    const isFile = unlessGone(() => statSync(path).isFile(), false);
    if (!isFile) continue;
    files += 1;
    unlessGone(() => searchFile(path, readlinkSync(path), tally), undefined);
  }
  return files;
}
