// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Entry, type Finding, type Judge, judgeDirectory, knownEntries } from '../../core/configuration/judge.ts';
import { DATABASE_JUDGE } from './nologging.ts';

/** Every judge of the database: together they must know each file that configures it. */
export const DATABASE_JUDGES: readonly Judge[] = [DATABASE_JUDGE];

/** What is wrong with the content of a data directory, whose own directories are not entered. */
export function judgeDatabase(entries: readonly Entry[]): Finding[] {
  return judgeDirectory(entries, DATABASE_JUDGES);
}

/** A finding as a sentence. A name that is none of ours is not repeated, for it may be that of a customer. */
export function sentenceFor({ file, line, problem }: Finding): string {
  const ours =
    Object.hasOwn(knownEntries(DATABASE_JUDGES), file) || DATABASE_JUDGES.some(({ files }) => files.includes(file));
  const name = ours ? file : 'something in the data directory';
  return `${line === 0 ? name : `${name}, line ${line}`}: ${problem}.`;
}
