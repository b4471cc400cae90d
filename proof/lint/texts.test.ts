// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type Passage, passagesOf, placesOf } from './prose.ts';
import { spellingFindings } from './spelling.os.ts';
import { overused, styleFindings } from './style.ts';

/** Source whose sentences are read by customers and operators; of all other source only the comments are. */
const SPOKEN = /^cmd\/|\.cli\.ts$|^src\/control\/portal\/(?!.*test)|^src\/core\/inventory\/(?!.*test)|\/problem\.ts$/;

const FILES = globSync(['*.md', 'docs/**/*.md', '{src,proof,cmd,test}/**/*.{ts,md,c,h}']).toSorted();
const PASSAGES = FILES.flatMap((file) => passagesOf(file, readFileSync(file, 'utf8'), SPOKEN.test(file)));

test('texts and comments are spelled in British English', async () => {
  assert.deepEqual(await spellingFindings(PASSAGES), []);
});

test('texts and comments keep the rules of style, and no word is worn out', () => {
  assert.deepEqual([...styleFindings(PASSAGES), ...overused(PASSAGES)], []);
});

test('texts are found in documents, comments and sentences, without the code in them', () => {
  const document = passagesOf('x.md', 'Say `colour`.\n```\nnpm run\n```\nSee [the guide](guide.md).', false);
  assert.doesNotMatch(document[0]?.text ?? '', /colour|npm|guide\.md/);
  assert.deepEqual([...placesOf(/the guide/, document)], ['x.md:5']);
  const source = `// One comment here.
const a = 'a sentence of ours'; // and here
const u = 'https://x/y z';`;
  const lines = (spoken: boolean) =>
    passagesOf('x.ts', source, spoken).map(({ line, text }) => `${line} ${text.trim()}`);
  assert.deepEqual(lines(false), ['1 // One comment here.', '2 // and here']);
  assert.deepEqual(lines(true), ['1 // One comment here.', '2 // and here', "2 'a sentence of ours'"]);
});

test('a misspelling, an advertisement, an unexplained id and a worn-out word would be seen', async () => {
  const passage = (text: string): Passage[] => [{ file: 'x.md', line: 3, text }];
  assert.deepEqual(await spellingFindings(passage('A tunel of\ncolor, and OpenVPN.')), [
    'color: x.md:4',
    'tunel: x.md:3',
  ]);
  const wrong = 'Military-grade. Try it! As S9 asks.\nSo that the the word stands twice.';
  assert.deepEqual(
    [...styleFindings(passage(wrong))].map((finding) => finding.split(':').slice(0, 2).join(':')),
    ['x.md:3', 'x.md:3', 'x.md:3', 'x.md:4'],
  );
  assert.deepEqual([...overused(passage('twin, twins, Twin'), [[/\btwins?\b/i, 2]])], ['\\btwins?\\b: 3, at most 2']);
});
