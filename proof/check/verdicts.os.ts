// SPDX-License-Identifier: AGPL-3.0-or-later
import { hash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { digestOf, readTree, type Tree } from './tree.os.ts';

/** What is judged: a checkout and the programs that judge it. */
export interface State {
  readonly tree: Tree;
  /** Digest of the versions of all programs, and of their configuration. */
  readonly judges: string;
}

export interface Verdict {
  readonly name: string;
  /** Of everything that it rests on. */
  readonly digest: string;
  /** Where it is on one file. */
  readonly file?: string;
}

export function stateOf(root: string, versions: string): State {
  const tree = readTree(root);
  const packages = globSync('node_modules/{*,@*/*}/package.json', { cwd: root }).toSorted();
  const texts = packages.map((path) => readFileSync(join(root, path), 'utf8'));
  const configuration = [...tree.keys()].filter((path) => !path.includes('/') && path.endsWith('.json'));
  return { tree, judges: hash('sha256', [versions, ...texts, digestOf(tree, configuration)].join('\n')) };
}

/** A verdict on the whole tree. */
export function onAll({ tree, judges }: State, name: string): Verdict {
  return { name, digest: hash('sha256', `${judges} ${name} ${digestOf(tree, tree.keys())}`) };
}

/** A verdict on one file, for judges that look at it and at what it imports, and at nothing else. */
export function onFile({ tree, judges }: State, name: string, file: string): Verdict {
  return { name: `${name} ${file}`, file, digest: hash('sha256', `${judges} ${name} ${digestOf(tree, [file])}`) };
}

/**
 * What was found good, in a file. A verdict holds while its digest is the same, so that nothing is judged twice; of what was
 * found bad nothing is kept.
 */
export class GoodVerdicts {
  readonly #file: string;
  readonly #good: Map<string, string>;

  constructor(file: string) {
    this.#file = file;
    this.#good = new Map(existsSync(file) ? parsed(readFileSync(file, 'utf8')) : []);
  }

  has({ name, digest }: Verdict): boolean {
    return this.#good.get(name) === digest;
  }

  keep(verdicts: Iterable<Verdict>): void {
    for (const { name, digest } of verdicts) this.#good.set(name, digest);
    mkdirSync(dirname(this.#file), { recursive: true });
    const unfinished = `${this.#file}.${process.pid}`;
    writeFileSync(unfinished, JSON.stringify(Object.fromEntries(this.#good)));
    renameSync(unfinished, this.#file);
  }
}

/** A file that is not ours says nothing is known. */
function parsed(text: string): [string, string][] {
  try {
    return Object.entries(JSON.parse(text) as Record<string, string>);
  } catch {
    return [];
  }
}
