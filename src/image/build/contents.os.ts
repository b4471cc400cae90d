// SPDX-License-Identifier: AGPL-3.0-or-later
import { chmodSync, existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Expectations, type Finding, findForbidden, type TreeEntry } from './contents.ts';
import { type Recipe, readNames } from './recipe.os.ts';
import { SETTLED } from './root.os.ts';

/** The tree holds what an image must not hold. */
export class ForbiddenError extends Error {
  override readonly name = 'ForbiddenError';
  readonly findings: readonly Finding[];

  constructor(findings: readonly Finding[]) {
    const shown = findings.slice(0, 20).map(({ absence, path }) => `  ${absence}: ${path}`);
    super(`the tree holds what must not be in the image:\n${shown.join('\n')}`);
    this.findings = findings;
  }
}

/** Throws a {@link ForbiddenError} unless the tree is free of everything that the rules name. */
export function checkTree(root: string, recipe: Recipe): void {
  const findings = findForbidden(walkTree(root), expectations(recipe));
  if (findings.length > 0) throw new ForbiddenError(findings);
}

export function expectations(recipe: Recipe): Expectations {
  const settled: Record<string, string> = {};
  for (const [path, content] of Object.entries(SETTLED)) {
    const file = join(recipe.directory, 'files', path);
    const found = lstatSync(file, { throwIfNoEntry: false });
    if (found === undefined) settled[path] = content;
    else settled[path] = found.isSymbolicLink() ? readlinkSync(file) : readFileSync(file, 'utf8');
  }
  return { programs: readNames(join(recipe.directory, 'programs.txt')), traces: machineTraces(recipe), settled };
}

const [TYPE, FILE, DIRECTORY, LINK] = [0o170_000, 0o100_000, 0o040_000, 0o120_000];

/** Every entry below a directory, each directory before what is in it. */
export function* walkTree(root: string, directory = ''): Generator<TreeEntry> {
  for (const name of readdirSync(join(root, directory)).toSorted()) {
    const path = directory === '' ? name : `${directory}/${name}`;
    const { mode, uid, gid } = lstatSync(join(root, path));
    const content = lazily(() => readFileSync(join(root, path)));
    const common = { path, mode: mode & 0o7777, uid, gid, content };
    const type = mode & TYPE;
    if (type === DIRECTORY) {
      yield { ...common, kind: 'directory' };
      yield* walkTree(root, path);
    } else if (type === LINK) yield { ...common, kind: 'link', target: readlinkSync(join(root, path)) };
    else yield { ...common, kind: type === FILE ? 'file' : 'other' };
  }
}

function lazily(read: () => Uint8Array): () => Uint8Array {
  let content: Uint8Array | undefined;
  return () => (content ??= read());
}

/** What would tell which machine built the image. Words that the recipe itself uses prove nothing and are left out. */
function machineTraces({ repository }: Recipe): string[] {
  const resolv = existsSync('/etc/resolv.conf') ? readFileSync('/etc/resolv.conf', 'utf8') : '';
  const servers = [...resolv.matchAll(/^nameserver\s+(\S+)/gm)].map((match) => match[1] as string);
  const ordinary = /^(localhost|debian|lethe|gateway|127\..*|::1|.{0,3})$/;
  return [hostname(), ...servers, repository.replace(/\/$/, '')].filter((trace) => !ordinary.test(trace));
}

/** Takes setuid and setgid from every file: no program in the image changes its user that way. */
export function dropSetuid(root: string): void {
  for (const { path, kind, mode } of walkTree(root)) {
    if (kind !== 'link' && (mode & 0o6000) !== 0) chmodSync(join(root, path), mode & 0o1777);
  }
}
