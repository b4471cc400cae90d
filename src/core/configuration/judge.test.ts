// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Entry, type Judge, judgeDirectory, judgeFiles } from './judge.ts';

/** Claims one file and finds each line that says `log`. */
function judgeOf(name: string): Judge {
  return {
    files: [name],
    findings: (file) =>
      file.name === name
        ? file.content
            .split('\n')
            .flatMap((text, index) => (text === 'log' ? [{ file: name, line: index + 1, problem: 'it logs' }] : []))
        : undefined,
  };
}

const JUDGES = [judgeOf('a.conf'), judgeOf('b.conf')];

test('a file that no judge claims is a finding, whatever is in it', () => {
  assert.deepEqual(judgeFiles([{ name: 'a.conf', content: 'quiet\nlog\n' }], JUDGES), [
    { file: 'a.conf', line: 2, problem: 'it logs' },
  ]);
  assert.deepEqual(judgeFiles([{ name: 'b.conf', content: '' }], JUDGES), []);
  const unknown = [{ file: 'c.conf', line: 0, problem: 'no judge knows this file' }];
  assert.deepEqual(judgeFiles([{ name: 'c.conf', content: '' }], JUDGES), unknown);
  assert.equal(judgeFiles([{ name: 'b.conf', content: '' }], JUDGES.slice(0, 1)).length, 1);
  assert.equal(judgeFiles([{ name: 'a.conf', content: '' }], []).length, 1);
});

test('a character that parsers read differently is a finding on its line, before any judge reads the file', () => {
  for (const strange of [
    '\0',
    '\t',
    '\r',
    '\v',
    '\f',
    '\u001b',
    '\u007f',
    '\u0085',
    '\u00a0',
    '\u2028',
    '\u3000',
    '\ufeff',
    '\ufffd',
  ]) {
    assert.deepEqual(
      judgeFiles([{ name: 'a.conf', content: `quiet\nlo${strange}g\nlog\n` }], JUDGES),
      [{ file: 'a.conf', line: 2, problem: 'a character that parsers read differently' }],
      JSON.stringify(strange),
    );
  }
  assert.deepEqual(judgeFiles([{ name: 'a.conf', content: ' !"#~\n\n' }], JUDGES), []);
});

test('every judge that claims a file is heard', () => {
  const file = { name: 'a.conf', content: 'log' };
  assert.equal(judgeFiles([file], [...JUDGES, judgeOf('a.conf')]).length, 2);
});

const WHOLE: readonly Entry[] = [
  { name: 'a.conf', kind: 'file', content: '' },
  { name: 'b.conf', kind: 'file', content: '' },
  { name: 'keys', kind: 'directory' },
  { name: 'keys/own.key', kind: 'file' },
];
const KNOWING: Judge = {
  files: [],
  known: { keys: 'directory', 'keys/own.key': 'file' },
  findings: () => undefined,
};

function found(entries: readonly Entry[]): string[] {
  return judgeDirectory(entries, [...JUDGES, KNOWING]).map(({ file, problem }) => `${file}: ${problem}`);
}

const instead = (name: string, entry: Entry) => WHOLE.map((one) => (one.name === name ? entry : one));

test('in a directory, everything is known by name and kind, or judged', () => {
  assert.deepEqual(found(WHOLE), []);
  assert.deepEqual(found([...WHOLE, { name: 'c.conf', kind: 'file', content: '' }]), [
    'c.conf: nobody knows what this is',
  ]);
  assert.deepEqual(found([...WHOLE, { name: 'keys/a.conf', kind: 'file' }]), [
    'keys/a.conf: nobody knows what this is',
  ]);
  assert.deepEqual(found([...WHOLE, { name: 'toString', kind: 'file' }]), ['toString: nobody knows what this is']);
  assert.deepEqual(found(instead('keys/own.key', { name: 'keys/own.key', kind: 'link' })), [
    'keys/own.key: nobody knows what this is',
  ]);
});

test('what a writer left halfway lies beside a file that is known', () => {
  const left = (name: string, kind: Entry['kind'] = 'file') => found([...WHOLE, { name, kind }]);
  assert.deepEqual(left('a.conf.12.unfinished'), []);
  assert.deepEqual(left('keys/own.key.4194304.unfinished'), []);
  for (const name of [
    'c.conf.12.unfinished',
    'keys.12.unfinished',
    'toString.12.unfinished',
    'a.conf.unfinished',
    'a.conf.x.unfinished',
    'a.conf.12.unfinished.13.unfinished',
    'a.conf.12.unfinished.log',
    '.12.unfinished',
  ]) {
    assert.deepEqual(left(name), [`${name}: nobody knows what this is`]);
  }
  assert.equal(left('a.conf.12.unfinished', 'link').length, 1);
  assert.deepEqual(found([...WHOLE.slice(1), { name: 'a.conf.12.unfinished', kind: 'file' }]), [
    'a.conf: the file is not there',
  ]);
});

test('a file of a judge is there, can be read, and is a plain file', () => {
  assert.deepEqual(found(WHOLE.slice(1)), ['a.conf: the file is not there']);
  assert.deepEqual(found(instead('a.conf', { name: 'a.conf', kind: 'file' })), ['a.conf: the file cannot be read']);
  assert.deepEqual(found(instead('a.conf', { name: 'a.conf', kind: 'link' })), ['a.conf: nobody knows what this is']);
  assert.deepEqual(found(instead('a.conf', { name: 'a.conf', kind: 'file', content: 'log' })), ['a.conf: it logs']);
});
