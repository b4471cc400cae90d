// SPDX-License-Identifier: AGPL-3.0-or-later
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Pe, parsePe, sectionContent } from '../../bytes/formats/pe.ts';
import { type Believed, type Builders, claimOf, digestsOf } from '../../contracts/release/statement.ts';
import { CommandError, run } from '../../host/processes/process.os.ts';
import { hashSubjects, readRecord, readStatement, STATEMENT_FILE } from './builders.os.ts';
import { ReleaseRefused } from './refusal.ts';

/** One file that two builders did not get alike. */
export interface Difference {
  readonly file: string;
  /** First byte that differs; undefined when one of them has no such file. */
  readonly offset: number | undefined;
  /** What is there, as far as the file's format tells: a section of a program, a line of a text. */
  readonly part: string;
}

export interface Comparison {
  readonly builders: readonly [Believed, Believed];
  readonly differences: readonly Difference[];
}

/**
 * Compares two build directories. Refuses when a statement is missing, forged or by an unknown builder, when both are by
 * one builder, and when a directory does not hold what its builder signed.
 */
export async function compareBuilds(a: string, b: string, builders: Builders): Promise<Comparison> {
  const [first, second] = [await believedBuild(a, builders), await believedBuild(b, builders)];
  assertTwo(first, second);
  const [mine, theirs] = [digestsOf(first.statement), digestsOf(second.statement)];
  const names = [...new Set([...Object.keys(mine), ...Object.keys(theirs)])].toSorted();
  const differing = names.filter((name) => mine[name] !== theirs[name]);
  return { builders: [first, second], differences: differing.map((name) => differenceOf(a, b, name)) };
}

/** Two statements about the same bytes, by two builders with two keys; refuses everything else. */
export function assertAgreement(first: Believed, second: Believed): void {
  assertTwo(first, second);
  if (claimOf(first.statement) === claimOf(second.statement)) return;
  const [mine, theirs] = [digestsOf(first.statement), digestsOf(second.statement)];
  const differing = [...new Set([...Object.keys(mine), ...Object.keys(theirs)])].filter((n) => mine[n] !== theirs[n]);
  const what = differing.length === 0 ? 'their inputs' : differing.toSorted().join(', ');
  throw new ReleaseRefused('different bytes', `${first.builder} and ${second.builder} do not agree on ${what}`);
}

function assertTwo(first: Believed, second: Believed): void {
  if (first.keyid === second.keyid || first.builder === second.builder)
    throw new ReleaseRefused(
      'same builder',
      `both builds are by ${first.builder}; a second builder has to come to the same bytes`,
    );
}

/** The statement in a build directory, after the directory was found to hold just that. */
async function believedBuild(directory: string, builders: Builders): Promise<Believed> {
  const believed = readStatement(join(directory, STATEMENT_FILE), builders);
  await assertHolds(directory, believed);
  return believed;
}

/** Refuses a directory whose files are not those that the builder signed. */
export async function assertHolds(directory: string, { builder, statement }: Believed): Promise<void> {
  const signed = digestsOf(statement);
  for (const [name, digest] of Object.entries(await hashSubjects(directory, statement))) {
    if (digest !== signed[name])
      throw new ReleaseRefused('statement', `${join(directory, name)} is not what ${builder} signed`);
  }
}

function differenceOf(a: string, b: string, file: string): Difference {
  const [mine, theirs] = [join(a, file), join(b, file)];
  if (!existsSync(mine) || !existsSync(theirs))
    return { file, offset: undefined, part: `only in ${existsSync(mine) ? a : b}` };
  const offset = firstDifference(mine, theirs);
  if (file !== 'root.img') return { file, offset, part: differingParts(mine, theirs, offset) };
  return { file, offset, part: offset < readRecord(a).hashOffset ? 'file system' : 'hash tree' };
}

/** Offset of the first byte that differs between two files that do differ; the shorter length when one goes on. */
export function firstDifference(a: string, b: string): number {
  const [mine, theirs] = [openSync(a, 'r'), openSync(b, 'r')];
  const [left, right] = [Buffer.alloc(1 << 20), Buffer.alloc(1 << 20)];
  try {
    for (let at = 0; ; at += left.length) {
      const got = Math.min(readSync(mine, left, 0, left.length, at), readSync(theirs, right, 0, right.length, at));
      const within = left.subarray(0, got).findIndex((byte, index) => byte !== right[index]);
      if (within >= 0) return at + within;
      if (got < left.length) return at + got;
    }
  } finally {
    closeSync(mine);
    closeSync(theirs);
  }
}

/** Beyond this many bytes a file is not read whole to name its parts. */
const READABLE = 64 * 2 ** 20;

/** What differs between two files, beginning at `offset`: the parts of a program, a line of a text. */
export function differingParts(a: string, b: string, offset: number): string {
  if (statSync(a).size > READABLE || statSync(b).size > READABLE) return 'content';
  const [mine, theirs] = [readFileSync(a), readFileSync(b)];
  const [left, right] = [parsePe(mine), parsePe(theirs)];
  if (!('problem' in left) && !('problem' in right)) return partsOfPrograms(left, right).join(', ');
  // Compressed data have such bytes within a few hundred.
  if (mine.subarray(0, 4096).some((byte) => byte < 9)) return 'content';
  return `line ${mine.subarray(0, offset).toString('latin1').split('\n').length}`;
}

function partsOfPrograms(a: Pe, b: Pe): string[] {
  const names = new Set([...a.sections, ...b.sections].map(({ name }) => name));
  const differs = (left: Uint8Array | undefined, right: Uint8Array | undefined) =>
    left === undefined || right === undefined || Buffer.compare(left, right) !== 0;
  const table = (pe: Pe) => pe.bytes.subarray(pe.signature?.offset ?? pe.bytes.length);
  return [
    ...(differs(a.bytes.subarray(0, a.headers), b.bytes.subarray(0, b.headers)) ? ['headers'] : []),
    ...[...names].filter((name) => differs(sectionContent(a, name), sectionContent(b, name))),
    ...(differs(table(a), table(b)) ? ['certificate table'] : []),
  ];
}

/** diffoscope's report on one file, or undefined when it is not installed. Can take minutes on a whole root image. */
export async function diffoscope(a: string, b: string, file: string): Promise<string | undefined> {
  const limits = ['--no-progress', '--max-text-report-size', '20000', '--text', '-'];
  try {
    return await run(['diffoscope', ...limits, join(a, file), join(b, file)]);
  } catch (error) {
    if (!(error instanceof CommandError) || error.exit.code === 127) return undefined;
    return error.output;
  }
}
