// SPDX-License-Identifier: AGPL-3.0-or-later
import { fillBlock } from './block.ts';
import { BLOCK, DIGEST, rounds } from './sha256-rounds.ts';

/**
 * SHA-256 (FIPS 180-4) over byte ranges, in place. Nothing is allocated: block, state and digest are static and wiped by the
 * finish. One hash is under way at a time, for nothing here waits.
 *
 * Known hole: registers and spilled stack slots keep words of the last block until the next call overwrites them.
 */

const block = new Uint8Array(rounds.memory.buffer, BLOCK, 64);
const words = new DataView(rounds.memory.buffer, BLOCK, 64);
const digest = new Uint8Array(rounds.memory.buffer, DIGEST, 32);
let filled = 0;
let total = 0;

/** Begins a hash; whatever was under way is forgotten. */
export function sha256Start(): void {
  rounds.begin();
  filled = 0;
  total = 0;
}

/** Takes in `bytes[start]` to `bytes[end - 1]`. */
export function sha256Update(bytes: Uint8Array, start: number, end: number): void {
  total += end - start;
  filled = fillBlock(block, filled, bytes, start, end, rounds.compress);
}

/** Takes in one byte, such as a separator. */
export function sha256Byte(value: number): void {
  total += 1;
  block[filled] = value;
  filled += 1;
  if (filled === 64) {
    rounds.compress();
    filled = 0;
  }
}

/** Writes the 32 bytes of the digest to `out` from `at`, then wipes everything that was hashed. */
export function sha256Finish(out: Uint8Array, at: number): void {
  sha256FinishInPlace();
  for (let i = 0; i < 32; i += 1) out[at + i] = digest[i] as number;
  sha256Forget();
}

/** Padding and last block (FIPS 180-4 §5.1.1). The digest is a view that holds until {@link sha256Forget}, which is the caller's. */
export function sha256FinishInPlace(): DataView {
  block[filled] = 0x80;
  clearFrom(filled + 1);
  if (filled > 55) {
    rounds.compress();
    clearFrom(0);
  }
  words.setUint32(56, Math.floor(total / 0x2000_0000));
  words.setUint32(60, total * 8);
  rounds.finish();
  return key;
}

/** Bytes of the salt of logins; as a constant it is copied word by word. */
const SALT = 14;

/**
 * The digest of salt, username, a zero byte and password: two ranges of `bytes`. As {@link sha256FinishInPlace}, and
 * faster by a fifth where the salt has 14 bytes and the whole message fits into one block, as that of a login does.
 */
export function sha256Login(
  salt: DataView,
  bytes: Uint8Array,
  userStart: number,
  userEnd: number,
  passwordStart: number,
  passwordEnd: number,
): DataView {
  const length = salt.byteLength + userEnd - userStart + 1 + passwordEnd - passwordStart;
  if (length > 55 || salt.byteLength !== SALT) {
    sha256Start();
    for (let at = 0; at < salt.byteLength; at += 1) sha256Byte(salt.getUint8(at));
    sha256Update(bytes, userStart, userEnd);
    sha256Byte(0);
    sha256Update(bytes, passwordStart, passwordEnd);
    return sha256FinishInPlace();
  }
  if (total > 0) sha256Wipe();
  words.setUint32(0, salt.getUint32(0));
  words.setUint32(4, salt.getUint32(4));
  words.setUint32(8, salt.getUint32(8));
  words.setUint16(12, salt.getUint16(12));
  let to = SALT;
  for (let from = userStart; from < userEnd; from += 1, to += 1) block[to] = bytes[from] as number;
  to += 1;
  for (let from = passwordStart; from < passwordEnd; from += 1, to += 1) block[to] = bytes[from] as number;
  block[to] = 0x80;
  words.setUint16(62, length * 8);
  rounds.single();
  return key;
}

/** Wipes the digest of {@link sha256FinishInPlace} or {@link sha256Login}, which is all that is left of the message. */
export function sha256Forget(): void {
  rounds.forget();
  filled = 0;
  total = 0;
}

/** Forgets everything that was hashed, for a caller that gives up half way. */
export function sha256Wipe(): void {
  rounds.wipe();
  filled = 0;
  total = 0;
}

/** A loop, because for so few bytes `fill` costs more than it clears. */
function clearFrom(start: number): void {
  for (let at = start; at < 64; at += 1) block[at] = 0;
}

const key = new DataView(rounds.memory.buffer, DIGEST, 32);
