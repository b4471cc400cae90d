// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { anyCase, ascii, type Encoded } from './encoding.ts';
import { Matcher, StreamSearch } from './matcher.ts';

/** The reference implementation: every pattern at every place. */
function slowly(patterns: readonly Encoded[], data: Uint8Array): string[] {
  const found: string[] = [];
  for (const [number, { bytes, mask }] of patterns.entries()) {
    for (let start = 0; start + bytes.length <= data.length; start += 1) {
      if (bytes.every((byte, index) => ((data[start + index] as number) & (mask?.[index] ?? 0xff)) === byte)) {
        found.push(`${number}@${start}`);
      }
    }
  }
  return found.toSorted();
}

function quickly(patterns: readonly Encoded[], data: Uint8Array): string[] {
  const found: string[] = [];
  new Matcher(patterns).search(data, data.length, (pattern, start) => {
    found.push(`${patterns.indexOf(pattern)}@${start}`);
  });
  return found.toSorted();
}

/** Few different bytes and long runs of zeros, so that patterns do occur and overlap. */
const byte = fc.constantFrom(0, 0, 0, 0x41, 0x61, 0xff);
const bytesOf = (minLength: number, maxLength: number) =>
  fc
    .array(
      fc.oneof(
        byte.map((value) => [value]),
        fc.nat(40).map((count) => Array.from({ length: count }, () => 0)),
      ),
      {
        minLength,
        maxLength,
      },
    )
    .map((parts) => Uint8Array.from(parts.flat()));
const pattern = fc
  .array(byte, { minLength: 3, maxLength: 9 })
  .filter((bytes) => bytes.some((_, index) => index + 3 <= bytes.length && bytes.slice(index, index + 3).some(Boolean)))
  .chain((bytes) =>
    fc.boolean().map((fold): Encoded => {
      const plain = Uint8Array.from(bytes);
      return fold ? anyCase('ascii', plain) : { encoding: 'ascii', bytes: plain };
    }),
  );

test('finds what the slow reference finds, wherever the data begins in memory', () => {
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 6 }), bytesOf(0, 60), fc.nat(7), (patterns, data, offset) => {
      const shifted = new Uint8Array(data.length + offset).subarray(offset);
      shifted.set(data);
      assert.deepEqual(quickly(patterns, shifted), slowly(patterns, data));
    }),
    { numRuns: 2000 },
  );
});

test('finds the same however the data is cut, and each occurrence once', () => {
  fc.assert(
    fc.property(
      fc.array(pattern, { minLength: 1, maxLength: 4 }),
      fc.array(bytesOf(0, 8), { maxLength: 12 }),
      fc.integer({ min: 1, max: 16 }),
      (patterns, pieces, pieceSize) => {
        const found: string[] = [];
        const told = (hit: Encoded, at: number) => found.push(`${patterns.indexOf(hit)}@${at}`);
        const search = new StreamSearch(new Matcher(patterns), told, pieceSize);
        for (const piece of pieces) search.feed(piece);
        const whole = new Uint8Array(Buffer.concat(pieces));
        assert.deepEqual(found.toSorted(), slowly(patterns, whole).toSorted());
        assert.equal(search.bytes, whole.length);
      },
    ),
    { numRuns: 1000 },
  );
});

test('a gap between two pieces joins nothing', () => {
  const found: Encoded[] = [];
  const search = new StreamSearch(new Matcher([{ encoding: 'ascii', bytes: ascii('secret') }]), (hit) =>
    found.push(hit),
  );
  search.feed(ascii('...sec'));
  search.reset();
  search.feed(ascii('ret...'));
  assert.equal(found.length, 0);
  search.feed(ascii('sec'));
  search.feed(ascii('ret'));
  assert.equal(found.length, 1);
});

test('a pattern that nothing tells from empty memory is refused', () => {
  assert.throws(() => new Matcher([{ encoding: 'binary-be', bytes: new Uint8Array(8) }]), RangeError);
  assert.throws(() => new Matcher([{ encoding: 'ascii', bytes: ascii('ab') }]), RangeError);
});
