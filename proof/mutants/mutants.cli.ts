// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync } from 'node:fs';
import { readTimes, TIMES_FILE } from '../runner/times.ts';
import { type Fate, hunt } from './hunt.os.ts';
import { describe, type Mutant, mutantsOf } from './mutant.ts';
import { nearTests } from './near.ts';
import { MUTANTS } from './table.ts';

const LANES = 2;

/**
 * `test --mutants [WORD...]`: breaks every line of the table whose file or piece contains one of the words, and says which
 * test noticed. Gives 1 when one that is not explained goes unnoticed, or when one that the table lets survive does not.
 */
export async function hunting(words: readonly string[], print: (text: string) => void): Promise<number> {
  const wanted = ({ file, from }: Mutant) =>
    words.length === 0 || words.some((word) => `${file} ${from}`.includes(word));
  const mutants = mutantsOf(MUTANTS).filter(wanted);
  if (mutants.length === 0) {
    print(`No line of the table has ${words.join(' or ')} in it.\n`);
    return 2;
  }
  print(`${mutants.length} mutants\n`);
  let done = 0;
  const onFate = (fate: Fate) => {
    done += 1;
    print(`${String(done).padStart(4)} ${lineOf(fate)}\n`);
  };
  const near = nearTests(readTimes(TIMES_FILE));
  const fates = await hunt(mutants, { root: process.cwd(), near, lanes: LANES, onFate });
  print(`\n${scoreOf(fates)}\n`);
  return fates.some(isWrong) ? 1 : 0;
}

/** Unnoticed without a reason; or noticed, so that the reason is none. */
function isWrong({ mutant, killer }: Fate): boolean {
  return (killer === undefined) !== (mutant.survives !== undefined);
}

function lineOf({ mutant, killer }: Fate): string {
  const what = describe(mutant, readFileSync(mutant.file, 'utf8'));
  if (killer === undefined)
    return mutant.survives === undefined ? `UNNOTICED ${what}` : `explained ${what}: ${mutant.survives}`;
  const early = mutant.survives === undefined ? '' : ', though the table says that none can';
  return `noticed   ${what}: ${killer}${early}`;
}

/** `203 of 205 mutants noticed, 2 explained, 0 unnoticed` */
export function scoreOf(fates: readonly Fate[]): string {
  const noticed = fates.filter(({ killer }) => killer !== undefined).length;
  const explained = fates.filter(({ mutant, killer }) => killer === undefined && mutant.survives !== undefined).length;
  return `${noticed} of ${fates.length} mutants noticed, ${explained} explained, ${fates.length - noticed - explained} unnoticed`;
}

if (import.meta.main)
  process.exitCode = await hunting(process.argv.slice(2), (text) => void process.stdout.write(text));
