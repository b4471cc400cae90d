// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Mutant, mutate } from './mutant.ts';
import type { Near } from './near.ts';
import { MutantTree } from './tree.os.ts';

/** What became of a mutant: the file of tests that noticed it, or undefined. */
export interface Fate {
  readonly mutant: Mutant;
  readonly killer: string | undefined;
}

export interface HuntOptions {
  /** The working tree. */
  readonly root: string;
  readonly near: Near;
  /** Trees at a time. */
  readonly lanes: number;
  /** Called as each is decided. */
  readonly onFate: (fate: Fate) => void;
}

/** Breaks one line after the other and runs the tests near it, until one of them fails. */
export async function hunt(mutants: readonly Mutant[], options: HuntOptions): Promise<Fate[]> {
  const waiting = [...mutants];
  const fates: Fate[] = [];
  const lane = async () => {
    await using tree = await MutantTree.of(options.root);
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const fate = { mutant, killer: await killerOf(mutant, tree, options) };
      fates.push(fate);
      options.onFate(fate);
    }
  };
  await Promise.all(Array.from({ length: options.lanes }, lane));
  return fates;
}

async function killerOf(mutant: Mutant, tree: MutantTree, { root, near }: HuntOptions): Promise<string | undefined> {
  const broken = mutate(readFileSync(join(root, mutant.file), 'utf8'), mutant);
  for (const test of near(mutant.file)) {
    const passes = await tree.with(mutant.file, broken, () => tree.passes(test));
    // A test that fails without the mutant, too, has not noticed it.
    if (!passes && (await tree.isSound(test))) return test;
  }
  return undefined;
}
