// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import * as words from './words.ts';

const KEY = 'Zxr0yM3sUTHLPlhqBLQuqFGkfZ0ZB3EVFJwPVFaDAE8=';

/** For each word what it takes, and what it refuses. */
const CASES: Readonly<Record<keyof typeof words, readonly [schema: z.ZodType, good: unknown[], bad: unknown[]]>> = {
  word: [words.word, ['zrh-01', '0.1.0', 'a'.repeat(64)], ['', 'Zrh', '-a', 'a b', '../a', 'a\n', 'a'.repeat(65)]],
  hostName: [words.hostName, ['a', 'zrh-01.example'], ['', '.', 'a..b', 'A.example', 'a.example\n', 'a'.repeat(254)]],
  absolutePath: [words.absolutePath, ['/', '/run/x'], ['', 'run', './run', '../run']],
  address: [words.address, ['192.0.2.1', '2001:db8::1'], ['', 'localhost', '192.0.2.256', '192.0.2.1/24', 'g::1']],
  port: [words.port, [1, 65_535], [0, 65_536, 1.5, '80']],
  listen: [
    words.listen,
    [{ address: '::', port: 0 }],
    [
      { address: 'localhost', port: 1 },
      { address: '::', port: -1 },
      { address: '::' },
      { address: '::', port: 1, x: 1 },
    ],
  ],
  user: [words.user, [{ uid: 1, gid: 65_534 }], [{ uid: 0, gid: 1 }, { uid: 1, gid: 0 }, { uid: 1 }]],
  country: [words.country, ['CH'], ['', 'ch', 'CHE', 'CH\n']],
  hex32: [words.hex32, ['0a'.repeat(32)], ['', '0A'.repeat(32), '0a'.repeat(31), `${'0a'.repeat(32)}\n`]],
  base64Key: [words.base64Key, [KEY], ['', KEY.slice(1), KEY.slice(0, -1), KEY.replace('+', '-').replace('Z', '-')]],
};

for (const [name, [schema, good, bad]] of Object.entries(CASES)) {
  test(`${name} is what it says, and nothing else`, () => {
    for (const value of good) assert.equal(schema.safeParse(value).success, true, JSON.stringify(value));
    for (const value of bad) assert.equal(schema.safeParse(value).success, false, JSON.stringify(value));
  });
}
