// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Passage, placesOf } from './prose.ts';

interface StyleRule {
  readonly pattern: RegExp;
  readonly because: string;
  /** Files that may. */
  readonly except?: RegExp;
}

/** What our texts never say. */
export const STYLE: readonly StyleRule[] = [
  { pattern: /\b(?:military|bank|government)[- ]grade\b/i, because: 'no strength by adjective' },
  { pattern: /\b100 ?% (?:anonymous|private|secure|safe)\b/i, because: 'a VPN gives privacy, not anonymity' },
  {
    pattern: /\b(?:un(?:breakable|hackable)|bulletproof|cutting[- ]edge|world[- ]class|seamless(?:ly)?)\b/i,
    because: 'advertising',
    // A switch of OpenVPN Connect has such a name.
    except: /^src\/control\/portal\/howtos\.ts$/,
  },
  { pattern: /(?<=[a-z])!(?=["'\s]|$)/m, because: 'no exclamation marks' },
  {
    pattern: /\b[SGRTX]\d{1,2}\b/,
    because: 'an id that the repository does not explain',
    except: /^proof\/hardening\/baseline\//,
  },
  { pattern: /\b(?:TODO|FIXME|XXX|HACK)\b/, because: 'do it, or write it down as a limit' },
  { pattern: /\b(?:simply|obviously|of course|easy to|easily)\b/i, because: 'who finds it hard feels stupid' },
  { pattern: /\bthe the\b|\ba a\b|\bof of\b|\bto to\b|\bis is\b/i, because: 'a word stands twice' },
];

/** Words of which the house has had too many. Each is good once; there may be no more of them than this. */
export const OVERUSED: readonly (readonly [word: RegExp, most: number])[] = [
  [/\bhulls?\b/i, 0],
  [/\btwins?\b/i, 0],
  [/\bbeliev(?:e|es|ed|ing)\b/i, 8],
  [/\bis said\b/i, 5],
  [/\bstands\b/i, 15],
  [/\blies\b/i, 5],
  [/\bwhoever\b/i, 10],
  [/\bnobody\b/i, 20],
];

/** What breaks a rule, as `file:line: why`. */
export function* styleFindings(passages: readonly Passage[]): Generator<string> {
  for (const { pattern, because, except } of STYLE) {
    const judged = passages.filter(({ file }) => except?.test(file) !== true);
    for (const place of placesOf(pattern, judged)) yield `${place}: ${because}`;
  }
}

/** Words that have become too many, as `word: 12 of at most 10`. */
export function* overused(passages: readonly Passage[], words = OVERUSED): Generator<string> {
  for (const [word, most] of words) {
    const count = [...placesOf(word, passages)].length;
    if (count > most) yield `${word.source}: ${count}, at most ${most}`;
  }
}
