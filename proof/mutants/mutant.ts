// SPDX-License-Identifier: AGPL-3.0-or-later
import { stripTypeScriptTypes } from 'node:module';

/** One way to break a line that guards something. */
export interface Mutant {
  /** From the root of the working tree. */
  readonly file: string;
  /** A piece of the file that occurs in it once. */
  readonly from: string;
  /** What takes its place. */
  readonly to: string;
  /** Why no test can notice. Without it, a mutant that no test notices is a gap. */
  readonly survives?: string;
}

/** What is broken, file by file: a piece of a line, what it becomes, and why that may survive, if it may. */
export type Table = Readonly<Record<string, readonly (readonly [from: string, to: string, survives?: string])[]>>;

/** In the order of the table. */
export function mutantsOf(table: Table): Mutant[] {
  return Object.entries(table).flatMap(([file, pieces]) =>
    pieces.map(([from, to, survives]) => ({ file, from, to, ...(survives === undefined ? {} : { survives }) })),
  );
}

/** The file's text with the mutant in it. Throws when the piece does not occur once, or when the result is no program. */
export function mutate(text: string, { file, from, to }: Mutant): string {
  const at = text.indexOf(from);
  if (at < 0) throw new Error(`${file}: the line of a mutant is gone: ${from}`);
  if (text.includes(from, at + 1)) throw new Error(`${file}: the piece of a mutant occurs twice: ${from}`);
  if (from === to) throw new Error(`${file}: a mutant changes nothing: ${from}`);
  const mutated = text.slice(0, at) + to + text.slice(at + from.length);
  if (file.endsWith('.ts')) assertProgram(mutated, `${file}: ${to}`);
  return mutated;
}

/** A program that does not parse would be noticed by every test, and show nothing. */
function assertProgram(text: string, what: string): void {
  try {
    stripTypeScriptTypes(text);
  } catch (error) {
    throw new Error(`not TypeScript any more: ${what}`, { cause: error });
  }
}

/** `src/a/b.ts:12  x === y  →  x !== y` */
export function describe(mutant: Mutant, text: string): string {
  const line = text.slice(0, text.indexOf(mutant.from)).split('\n').length;
  return `${mutant.file}:${line}  ${shown(mutant.from)}  →  ${shown(mutant.to)}`;
}

function shown(piece: string): string {
  return piece === '' ? '(nothing)' : piece.replaceAll(/\s*\n\s*/g, ' ').trim();
}
