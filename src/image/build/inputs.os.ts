// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash } from 'node:crypto';
import { existsSync, globSync, lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { bundledGeoip } from '../../gateway/geoip/prepare.os.ts';
import { CommandError, run } from '../../host/processes/process.os.ts';
import { COMPILED_SOURCES } from './programs.os.ts';
import { REPOSITORY, type Recipe, SOURCE_DATE_EPOCH } from './recipe.os.ts';

/**
 * SHA-256 over everything that decides the bytes of an image: locks, recipe, bundled programs, the data that go in, the
 * operator's file, and the code that puts it together. Equal digests mean equal images.
 */
export function inputsDigest(recipe: Recipe, lockDirectory: string, programs: string, operator?: string): string {
  const hash = createHash('sha256');
  const add = (label: string, content: string | Uint8Array) => {
    hash.update(`${label}\0${content.length}\0`).update(content);
  };
  add('epoch', String(SOURCE_DATE_EPOCH));
  for (const name of ['packages.lock', 'tools.lock']) add(name, readFileSync(join(lockDirectory, name)));
  const code = ['src/image/build', 'src/gateway/geoip', 'src/contracts/activation'].map((name) =>
    join(REPOSITORY, name),
  );
  for (const directory of [recipe.directory, programs, ...code]) {
    for (const name of globSync('**/*', { cwd: directory }).toSorted()) {
      const path = join(directory, name);
      const found = lstatSync(path);
      if (name.endsWith('.test.ts') || name.endsWith('.lock') || found.isDirectory()) continue;
      add(`${name} ${(found.mode & 0o100) !== 0}`, found.isSymbolicLink() ? readlinkSync(path) : readFileSync(path));
    }
  }
  const compiled = COMPILED_SOURCES.map((source) => join(recipe.repository, source));
  for (const file of [...Object.values(bundledGeoip()), ...compiled]) {
    add('data', existsSync(file) ? readFileSync(file) : '');
  }
  if (operator !== undefined) add('operator', operator);
  return hash.digest('hex');
}

/** The commit that is checked out, with `-dirty` when tracked files differ from it; undefined outside git. */
export async function sourceCommit(repository: string): Promise<string | undefined> {
  try {
    const git = ['git', '-C', repository];
    const commit = (await run([...git, 'rev-parse', 'HEAD'])).trim();
    const changed = await run([...git, 'status', '--porcelain', '--untracked-files=no']);
    return changed.trim() === '' ? commit : `${commit}-dirty`;
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}
