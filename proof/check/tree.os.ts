// SPDX-License-Identifier: AGPL-3.0-or-later
import { hash } from 'node:crypto';
import { type Dirent, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

interface TreeFile {
  /** Of its content; of a link, where it leads. */
  readonly digest: string;
  /** Files that it imports. Each path in quotes counts, so that too many are named rather than too few. */
  readonly imports: readonly string[];
}

/** A checkout, with its files by their path from the top, in order. */
export type Tree = ReadonlyMap<string, TreeFile>;

/** What is fetched, made, or git's own. */
const LEFT_OUT = new Set(['node_modules', '.git', '.lethe']);

export function readTree(root: string): Tree {
  const files = [...entriesIn(root, '')].map(([path, entry]): [string, TreeFile] => {
    if (entry.isSymbolicLink()) return [path, { digest: hash('sha256', readlinkSync(join(root, path))), imports: [] }];
    const content = readFileSync(join(root, path));
    const imports = path.endsWith('.ts') ? importsOf(path, content.toString()) : [];
    return [path, { digest: hash('sha256', content), imports }];
  });
  return new Map(files.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function* entriesIn(root: string, directory: string): Generator<[string, Dirent]> {
  for (const entry of readdirSync(join(root, directory), { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (LEFT_OUT.has(entry.name)) continue;
    if (entry.isDirectory()) yield* entriesIn(root, path);
    else yield [path, entry];
  }
}

function importsOf(path: string, text: string): string[] {
  const named = text.matchAll(/['"`](\.{1,2}\/[^'"`\n]+)['"`]/g);
  return [...named].map(([, specifier = '']) => normalize(join(dirname(path), specifier)));
}

/** Of these files and all that they import, directly or not. */
export function digestOf(tree: Tree, files: Iterable<string>): string {
  const reached = new Set(files);
  for (const path of reached) for (const imported of tree.get(path)?.imports ?? []) reached.add(imported);
  const lines = [...reached].toSorted().map((path) => `${path} ${tree.get(path)?.digest ?? 'absent'}\n`);
  return hash('sha256', lines.join(''));
}
