// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { parseConfiguration } from './configuration.ts';

const SCHEMA = z.strictObject({
  name: z.string().regex(/^[a-z]+$/, 'must be small letters'),
  host: z.ipv4(),
  inner: z.strictObject({ port: z.int().max(10) }),
});
const GOOD = { name: 'a', host: '192.0.2.1', inner: { port: 1 } };

function problemOf(value: unknown): string {
  const result = parseConfiguration(SCHEMA, JSON.stringify(value, undefined, 2));
  assert.ok('problem' in result);
  return result.problem;
}

test('reads what the schema allows', () => {
  assert.deepEqual(parseConfiguration(SCHEMA, JSON.stringify(GOOD)), GOOD);
});

test('names the line and the key of what is wrong, never a value', () => {
  assert.equal(problemOf({ ...GOOD, extra: 's3cret' }), 'line 7: extra: unknown key');
  assert.equal(problemOf({ ...GOOD, inner: { port: 1, deep: 's3cret' } }), 'line 6: inner.deep: unknown key');
  assert.equal(problemOf({ name: 'a', host: '192.0.2.1' }), 'line 1: inner: missing');
  assert.equal(problemOf({ ...GOOD, name: 5 }), 'line 2: name: must be string');
  assert.equal(problemOf({ ...GOOD, name: 'S3CRET' }), 'line 2: name: must be small letters');
  assert.equal(problemOf({ ...GOOD, host: 's3cret' }), 'line 3: host: must be ipv4');
  assert.equal(problemOf({ ...GOOD, inner: { port: 11 } }), 'line 5: inner.port: not acceptable');
  assert.equal(problemOf('s3cret'), 'line 1: configuration: must be object');
});

test('names the line where it is not JSON', () => {
  const of = (text: string) => parseConfiguration(SCHEMA, text);
  assert.deepEqual(of('{\n"name": "s3cret"\n"host"'), { problem: 'line 3: not JSON from here on' });
  assert.deepEqual(of('{"name": 1,\n"name": 2}'), { problem: 'line 2: a key stands twice' });
  assert.deepEqual(of('['.repeat(100)), { problem: 'line 1: nested too deeply' });
});
