// SPDX-License-Identifier: AGPL-3.0-or-later
import { fileURLToPath } from 'node:url';
import { run } from '../../src/host/processes/process.os.ts';
import { type Passage, placesOf } from './prose.ts';

/** Terms of the trade and names of programs that no British dictionary has, one a line. */
const TERMS = fileURLToPath(new URL('terms.txt', import.meta.url));

/** A word in plain letters. Names and identifiers (`OpenVPN`, `x509`, `PCR`) are no matter of spelling. */
const PLAIN_WORD = /(?<![\w'])[A-Z]?[a-z]+(?:'[a-z]+)?(?![\w'])/g;

/** Words that hunspell does not know in British English, each with its first places. */
export async function spellingFindings(passages: readonly Passage[]): Promise<string[]> {
  const words = new Set(passages.flatMap(({ text }) => text.match(PLAIN_WORD) ?? []));
  const argv = ['hunspell', '-d', 'en_GB', '-p', TERMS, '-i', 'utf-8', '-l'];
  // Without a home it does not open the file of terms.
  const answer = await run(argv, { stdin: [...words].join('\n'), env: { HOME: '/' } });
  const unknown = answer.split('\n').filter((word) => word !== '');
  return unknown.toSorted().map((word) => {
    const places = placesOf(new RegExp(`(?<![\\w'])${word}(?![\\w'])`), passages);
    return `${word}: ${[...places].slice(0, 3).join(' ')}`;
  });
}
