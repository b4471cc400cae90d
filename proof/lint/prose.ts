// SPDX-License-Identifier: AGPL-3.0-or-later

/** A piece of text that people read, with the line on which it begins. Code in it is blank. */
export interface Passage {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

const COMMENT = /\/\*[^]*?\*\/|(?<=^\s*|[;,{})\]] )\/\/ [^\n]*/gm;
const LITERAL = /'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g;
/** Code inside of prose: between backquotes, links, addresses, what a comment says to a tool. */
const CODE =
  /`[^`]*`|\{@\w+[^}]*\}|\]\([^)]*\)|https?:\/\/\S+|SPDX[^\n]*|<[^>\n]*>|--?[a-z][\w-]*|[\w.-]*[\w]\/[\w./-]+|[\w-]+\.(?:ts|os|md|json|conf|[ch])\b|\w*_\w+/g;
const FENCE = /^```[^]*?^```/gm;

/** What people read of a file: a document whole, but for its code; of source the comments, and the texts of `sentences`. */
export function passagesOf(file: string, source: string, sentences: boolean): Passage[] {
  if (file.endsWith('.md')) return [{ file, line: 1, text: blanked(blanked(source, FENCE), CODE) }];
  const found = [...source.matchAll(COMMENT), ...(sentences ? [...blanked(source, COMMENT).matchAll(LITERAL)] : [])];
  return found
    .map((match) => ({ file, line: lineAt(source, match.index), text: blanked(match[0], CODE) }))
    .filter(({ text }) => /[a-z]{2,} [a-z]{2,}/i.test(text));
}

/** Keeps the lines where they are. */
function blanked(text: string, pattern: RegExp): string {
  return text.replaceAll(pattern, (piece) => piece.replaceAll(/[^\n]/g, ' '));
}

function lineAt(source: string, index: number): number {
  return source.slice(0, index).split('\n').length;
}

/** Where a pattern matches in the passages: `file:line`, first to last. */
export function* placesOf(pattern: RegExp, passages: readonly Passage[]): Generator<string> {
  const all = new RegExp(pattern.source, `${pattern.flags.replace('g', '')}g`);
  for (const { file, line, text } of passages) {
    for (const match of text.matchAll(all)) yield `${file}:${line + lineAt(text, match.index) - 1}`;
  }
}
