// SPDX-License-Identifier: AGPL-3.0-or-later
import { hash } from 'node:crypto';
import { KEY, SALT } from './layout.ts';

/** Longest username and longest password, in bytes. What is longer is unknown without being hashed. */
export const LONGEST = 255;

/**
 * Key and verifier of a login at once: the first 16 bytes of SHA-256(salt, username, 0, password). One fast hash is
 * enough because both secrets are random, of 120 bits each (docs/decisions/0002-auth-file.md). A username with a zero byte
 * could be split otherwise; it would still take the same secret bytes.
 */
export function verifierOf(salt: Uint8Array, username: string, password: string): Uint8Array {
  return keyOf(salt, username, '\0', password);
}

/** Key of a username alone: the first 16 bytes of SHA-256(salt, username). */
export function nameKeyOf(salt: Uint8Array, username: string): Uint8Array {
  return keyOf(salt, username);
}

function keyOf(salt: Uint8Array, ...parts: readonly string[]): Uint8Array {
  if (salt.length !== SALT) throw new RangeError(`a salt has ${SALT} bytes`);
  if (parts.some((part) => Buffer.byteLength(part) > LONGEST)) {
    throw new RangeError(`a username or password has at most ${LONGEST} bytes`);
  }
  const message = Buffer.concat([salt, ...parts.map((part) => Buffer.from(part))]);
  return new Uint8Array(hash('sha256', message, 'buffer').subarray(0, KEY));
}
