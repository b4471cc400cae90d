// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { below, fraction, type Random, seededRandom, shuffled, systemRandom } from './random.ts';

test('the same seed gives the same bytes, another seed others', () => {
  assert.deepEqual(seededRandom('a').bytes(32), seededRandom('a').bytes(32));
  assert.notDeepEqual(seededRandom('a').bytes(32), seededRandom('b').bytes(32));
  const stream = seededRandom('a');
  assert.notDeepEqual(stream.bytes(16), stream.bytes(16));
});

test('system randomness has the length asked for and does not repeat', () => {
  assert.equal(systemRandom.bytes(20).length, 20);
  assert.notDeepEqual(systemRandom.bytes(20), systemRandom.bytes(20));
});

test('below is even and stays below', () => {
  const random = seededRandom('even');
  const seen = new Uint32Array(6);
  for (let round = 0; round < 6000; round += 1) {
    const value = below(random, 6);
    seen[value] = (seen[value] ?? 0) + 1;
  }
  for (const count of seen) assert.ok(count > 800 && count < 1200, String(count));
});

test('below rejects the bytes that would favour small numbers', () => {
  const given = [new Uint8Array(6).fill(255), new Uint8Array([0, 0, 0, 0, 0, 5])];
  const random: Random = { bytes: () => given.shift() as Uint8Array };
  assert.equal(below(random, 10), 5);
  assert.equal(given.length, 0);
});

test('shuffled keeps the elements and changes their order', () => {
  const items = Array.from({ length: 50 }, (_, index) => index);
  const result = shuffled(seededRandom('order'), items);
  assert.notDeepEqual(result, items);
  assert.deepEqual(
    result.toSorted((a, b) => a - b),
    items,
  );
});

test('a fraction is at least zero and less than one', () => {
  const value = fraction(seededRandom('f'));
  assert.ok(value >= 0 && value < 1);
});
