// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sameBytes, sha256 } from './fingerprint.ts';

test('SHA-256 is that of FIPS 180-4, over all parts', () => {
  const expected = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  assert.equal(sha256('abc').toHex(), expected);
  assert.equal(sha256(Uint8Array.of(0x61), 'b', '', Uint8Array.of(0x63)).toHex(), expected);
  assert.deepEqual(sha256('é'), sha256(Uint8Array.of(0xc3, 0xa9)));
});

test('bytes are the same only when every one is, and no more', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4);
  assert.equal(sameBytes(bytes, Uint8Array.from(bytes)), true);
  assert.equal(sameBytes(new Uint8Array(0), new Uint8Array(0)), true);
  for (let at = 0; at < bytes.length; at += 1) {
    assert.equal(sameBytes(bytes, bytes.with(at, 9)), false, `byte ${at}`);
    assert.equal(sameBytes(bytes, bytes.subarray(0, at)), false, `only ${at} bytes`);
    assert.equal(sameBytes(bytes.subarray(0, at), bytes), false, `${at} bytes first`);
  }
});
