// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type JsonProblem, type LocatedJson, parseJson } from './json.ts';

function read(text: string): LocatedJson {
  const json = parseJson(text);
  assert.ok('value' in json, JSON.stringify(json));
  return json;
}

test('reads what JSON.parse reads', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), fc.integer({ min: 0, max: 4 }), (value, indent) => {
      const text = JSON.stringify(value, undefined, indent);
      assert.deepEqual(read(text).value, JSON.parse(text));
    }),
  );
  assert.deepEqual(read(' [ -0.5e+3 , "\\u00fc\\n\\"" , true, null, { } , [ ] ] ').value, [
    -500,
    'ü\n"',
    true,
    null,
    {},
    [],
  ]);
});

test('says on which line each member stands', () => {
  const json = read('{\n  "a": 1,\n  "b": {\n    "c":\n [\n1,\n2]\n  }\n}\n');
  assert.equal(json.lineOf([]), 1);
  assert.equal(json.lineOf(['a']), 2);
  assert.equal(json.lineOf(['b']), 3);
  assert.equal(json.lineOf(['b', 'c']), 4);
  assert.equal(json.lineOf(['b', 'c', 1]), 7);
  assert.equal(json.lineOf(['b', 'missing', 'deeper']), 3);
});

test('says on which line it stops to be JSON', () => {
  const problems: [string, JsonProblem][] = [
    ['', { problem: 'syntax', line: 1 }],
    ['{\n"a": 1,\n}', { problem: 'syntax', line: 3 }],
    ['{\n"a" 1}', { problem: 'syntax', line: 2 }],
    ['{\n"a": 1\n"b": 2}', { problem: 'syntax', line: 3 }],
    ['[1,\n2', { problem: 'syntax', line: 2 }],
    ['{}\n{}', { problem: 'syntax', line: 2 }],
    ['"a\nb"', { problem: 'syntax', line: 1 }],
    ['01', { problem: 'syntax', line: 1 }],
    ['{"a": 1,\n"a": 2}', { problem: 'duplicate key', line: 2 }],
    ['['.repeat(10_000), { problem: 'too deep', line: 1 }],
  ];
  for (const [text, problem] of problems) assert.deepEqual(parseJson(text), problem);
});

test('a key cannot reach the prototype', () => {
  const { value } = read('{"__proto__": {"x": 1}}');
  assert.deepEqual(Object.keys(value as object), ['__proto__']);
  assert.equal((value as { x?: number }).x, undefined);
});

test('junk is refused or read as JSON.parse reads it, and never throws', () => {
  const junk = fc.oneof(fc.string(), fc.stringMatching(/^[[\]{},:"\\0-9eE.+\-truefalsn \n]*$/));
  fc.assert(
    fc.property(junk, (text) => {
      const json = parseJson(text);
      if ('value' in json) assert.deepEqual(json.value, JSON.parse(text));
    }),
    { numRuns: 3000 },
  );
});
