// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Md4, ntHashOf } from './md4.ts';

function hashOf(text: string): string {
  const out = new Uint8Array(16);
  const digest = new Md4();
  digest.update(Buffer.from(text));
  digest.finish(out);
  return Buffer.from(out).toString('hex');
}

/** RFC 1320, appendix A.5. */
const VECTORS: readonly (readonly [string, string])[] = [
  ['', '31d6cfe0d16ae931b73c59d7e0c089c0'],
  ['a', 'bde52cb31de33e46245e05fbdbd6fb24'],
  ['abc', 'a448017aaf21d8525fc10ae87aa6729d'],
  ['message digest', 'd9130a8164549fe818874806e1c7014b'],
  ['abcdefghijklmnopqrstuvwxyz', 'd79e1c308aa5bbcdeea8ed63df412da9'],
  ['ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789', '043f8582f241db351ce627e153e7f0e4'],
  [
    '12345678901234567890123456789012345678901234567890123456789012345678901234567890',
    'e33b4ddc9c38f2199c3e7b164fcc0536',
  ],
];

test('MD4 gives the vectors of RFC 1320', () => {
  for (const [text, expected] of VECTORS) assert.equal(hashOf(text), expected, text);
});

test('the NT hash of RFC 2759 §9.2, and of a password beyond ASCII', () => {
  assert.equal(Buffer.from(ntHashOf('clientPass')).toString('hex'), '44ebba8d5312b8d611474411f56989ae');
  assert.equal(Buffer.from(ntHashOf('')).toString('hex'), '31d6cfe0d16ae931b73c59d7e0c089c0');
  const out = new Uint8Array(16);
  const digest = new Md4();
  digest.update(Buffer.from('Zürich€😀', 'utf16le'));
  digest.finish(out);
  assert.deepEqual(ntHashOf('Zürich€😀'), out);
});

test('a password of ten megabytes is hashed like any other', () => {
  assert.equal(ntHashOf('x'.repeat(10_000_000)).length, 16);
});
