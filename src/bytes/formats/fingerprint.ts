// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash, timingSafeEqual } from 'node:crypto';

// For keys, tokens and files. Bytes of customers are hashed in place: see bytes/hashes.

/** SHA-256 of all parts together, 32 bytes. A text counts as its UTF-8. */
export function sha256(...parts: readonly (Uint8Array | string)[]): Uint8Array {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** Whether both hold the same bytes. Takes the same time wherever they differ; only their lengths can be learnt from it. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
