// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Every time stamp in the image, in seconds: part of the recipe, so that the day of a build leaves no trace. */
export const SOURCE_DATE_EPOCH = 1_790_000_000;

/** The paths of the recipe's parts. */
export interface Recipe {
  /** The repository. */
  readonly repository: string;
  /** Its folder `image/`. */
  readonly directory: string;
  readonly packages: string;
  readonly tools: string;
  readonly npmLock: string;
}

export const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

export function recipeOf(repository: string = REPOSITORY): Recipe {
  const directory = join(repository, 'image');
  return {
    repository,
    directory,
    packages: join(directory, 'packages.txt'),
    tools: join(directory, 'tools.txt'),
    npmLock: join(repository, 'package-lock.json'),
  };
}

/** The lines of a list, without comments and empty lines. */
export function readNames(file: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
}
