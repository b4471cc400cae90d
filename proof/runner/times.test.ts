// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { expect, longestFirst, noteTime, readTimes, secondsLeft } from './times.ts';

const directory = mkdtempSync(join(tmpdir(), 'lethe-times-'));
after(() => rmSync(directory, { recursive: true, force: true }));

test('times are kept beside those of other runs, and what is no file of times is none', () => {
  const path = join(directory, 'below', 'times.json');
  assert.deepEqual(readTimes(path), {});
  assert.deepEqual(noteTime(path, 'a', 1.26), { a: 1.3 });
  noteTime(path, 'b', 2);
  noteTime(path, 'a', 3);
  assert.deepEqual(readTimes(path), { a: 3, b: 2 });
  for (const junk of ['', '{', 'null', '7', '[]', '{"a": "long"}']) {
    writeFileSync(path, junk);
    assert.deepEqual(readTimes(path), {}, junk);
  }
});

test('a file without a time counts as the mean of the others, while enough of them have one', () => {
  assert.equal(expect('a', ['a', 'b'], { a: 4 }), 4);
  assert.equal(expect('b', ['a', 'b', 'c'], { a: 4, c: 8 }), 6);
  assert.equal(expect('a', ['a', 'b', 'c'], { a: 4 }), undefined);
  assert.equal(expect('a', ['a', 'b', 'c'], { elsewhere: 1 }), undefined);
});

test('the longest file begins first; without times the order stays', () => {
  assert.deepEqual(longestFirst(['a', 'b', 'c'], { a: 1, b: 3 }), ['b', 'c', 'a']);
  assert.deepEqual(longestFirst(['b', 'a'], {}), ['b', 'a']);
});

test('the time left is that of the longer lane, and parts follow each other', () => {
  const times = { a: 10, b: 6, c: 5, vm: 100 };
  const files = ['a', 'b', 'c'];
  const part = {
    concurrency: 2,
    files,
    waiting: ['c'],
    running: [
      { file: 'a', seconds: 4 },
      { file: 'b', seconds: 5 },
    ],
  };
  const machines = { concurrency: 1, files: ['vm', 'vm2'], waiting: ['vm', 'vm2'], running: [] };
  // a has 6 s to go, b 1 s, and then c 5 s.
  assert.equal(secondsLeft([part], times), 6);
  assert.equal(secondsLeft([part, machines], times), 206);
  // One that takes longer than it did has nothing left, not less than nothing.
  assert.equal(secondsLeft([{ ...part, waiting: [], running: [{ file: 'a', seconds: 40 }] }], times), 0);
});

test('without times there is no time left, except when nothing is left to do', () => {
  const part = { concurrency: 2, files: ['a'], waiting: ['a'], running: [] };
  assert.equal(secondsLeft([part], {}), undefined);
  assert.equal(secondsLeft([{ ...part, waiting: [] }], {}), 0);
});
