// SPDX-License-Identifier: AGPL-3.0-or-later
import { createCipheriv, createHash, randomFillSync } from 'node:crypto';

/** Chance, passed to whatever needs it. */
export interface Random {
  bytes(length: number): Uint8Array;
}

export const systemRandom: Random = {
  bytes: (length) => randomFillSync(new Uint8Array(length)),
};

/** Repeatable randomness, for tests and benchmarks only: the same seed gives the same bytes. */
export function seededRandom(seed: string): Random {
  const key = createHash('sha256').update(seed).digest();
  const stream = createCipheriv('aes-256-ctr', key, new Uint8Array(16));
  return { bytes: (length) => new Uint8Array(stream.update(new Uint8Array(length))) };
}

/** A whole number from 0 to `limit - 1`, each equally likely. `limit` is at most 2^48. */
export function below(random: Random, limit: number): number {
  const range = 2 ** 48;
  const fair = range - (range % limit);
  for (;;) {
    const bytes = random.bytes(6);
    let value = 0;
    for (const byte of bytes) value = value * 256 + byte;
    if (value < fair) return value % limit;
  }
}

/** A number in [0, 1). */
export function fraction(random: Random): number {
  return below(random, 2 ** 48) / 2 ** 48;
}

/** The same elements in an order that tells nothing (Fisher and Yates). */
export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const chosen = below(random, last + 1);
    [result[last], result[chosen]] = [result[chosen] as T, result[last] as T];
  }
  return result;
}
