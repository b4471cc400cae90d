// SPDX-License-Identifier: AGPL-3.0-or-later
import * as fc from 'fast-check';

/**
 * Gives a reader what nobody should send it: random bytes; `good`, which it reads, with up to six bytes changed, so many
 * times; and each beginning of it. What the reader throws fails the test.
 */
export function feedJunk(read: (bytes: Uint8Array) => void, good: Uint8Array, mutations: number): void {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), read));
  const places = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(places, (changes) => {
      const copy = Uint8Array.from(good);
      for (const [at, value] of changes) copy[at] = value;
      read(copy);
    }),
    { numRuns: mutations },
  );
  for (let length = 0; length < good.length; length += 1) read(good.subarray(0, length));
}
