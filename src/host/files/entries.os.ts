// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Dirent, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Entry, type EntryKind, isJudged, type Judge } from '../../core/configuration/judge.ts';
import { readUntrusted } from './untrusted.os.ts';

/**
 * All that is in a directory and, where `enters` says so, in those below it, with the text of what is judged. A
 * directory that cannot be listed has the kind `other`, and a file that cannot be read has no text: both are findings.
 */
export function entriesIn(
  root: string,
  judges: readonly Judge[],
  enters: (name: string) => boolean = () => false,
  below = '',
): Entry[] {
  return readdirSync(join(root, below), { withFileTypes: true }).flatMap((found): Entry[] => {
    const name = join(below, found.name);
    const entry: Entry = { name, kind: kindOf(found) };
    if (entry.kind === 'directory' && enters(name)) {
      return orElse(() => [entry, ...entriesIn(root, judges, enters, name)], [{ name, kind: 'other' }]);
    }
    if (!isJudged(entry, judges)) return [entry];
    return [{ ...entry, content: orElse(() => readUntrusted(join(root, name)), undefined) }];
  });
}

function orElse<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

function kindOf(found: Dirent): EntryKind {
  if (found.isFile()) return 'file';
  if (found.isDirectory()) return 'directory';
  if (found.isSocket()) return 'socket';
  return found.isSymbolicLink() ? 'link' : 'other';
}
