// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Entry, type Finding, type Judge, judgeDirectory } from '../../core/configuration/judge.ts';
import { DATABASE_JUDGE } from './nologging.ts';

/** Every judge of the database: together they must know each file that configures it. */
export const DATABASE_JUDGES: readonly Judge[] = [DATABASE_JUDGE];

/** What is wrong with the content of a data directory, whose own directories are not entered. */
export function judgeDatabase(entries: readonly Entry[]): Finding[] {
  return judgeDirectory(entries, DATABASE_JUDGES);
}
