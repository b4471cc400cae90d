// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bigEndian, littleEndian, Reader, uint32At } from './reader.ts';

test('a number of four bytes is read where it lies, without a sign', () => {
  for (const value of [0, 1, 0x01020304, 0x7fffffff, 0x80000000, 0xffffffff]) {
    const bytes = Uint8Array.of(9, ...bigEndian(value, 4), 9);
    assert.equal(uint32At(bytes, 1), value);
    assert.equal(new Reader(bytes.subarray(1), 'big-endian').u32(), value);
    assert.equal(new Reader(littleEndian(value, 4), 'little-endian').u32(), value);
  }
});
