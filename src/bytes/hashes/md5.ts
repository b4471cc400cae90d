// SPDX-License-Identifier: AGPL-3.0-or-later
import { fillBlock } from './block.ts';
import { BLOCK, DIGEST, rounds, STATE } from './md5-rounds.ts';

/**
 * MD5 (RFC 1321) over byte ranges, in place. Broken as a hash; it is here because RADIUS is built on it. Nothing is allocated:
 * block, state and digest are static and wiped by the finish. One hash is under way at a time, for nothing here waits.
 */

const block = new Uint8Array(rounds.memory.buffer, BLOCK, 64);
const words = new DataView(rounds.memory.buffer, BLOCK, 64);
const state = new Int32Array(rounds.memory.buffer, STATE, 4);
const digest = new Uint8Array(rounds.memory.buffer, DIGEST, 16);
let filled = 0;
let total = 0;
rounds.begin();

/** Takes in `bytes[start]` to `bytes[end - 1]`. */
export function md5Update(bytes: Uint8Array, start: number, end: number): void {
  total += end - start;
  filled = fillBlock(block, filled, bytes, start, end, rounds.compress);
}

/** Writes the 16 bytes of the digest to `out` from `at`, and wipes everything that was hashed. */
export function md5Finish(out: Uint8Array, at: number): void {
  end();
  for (let i = 0; i < 16; i += 1) out[at + i] = digest[i] as number;
  rounds.forget();
}

/** Padding and last block (RFC 1321 §3.1). A block that has been taken is zeros again. */
function end(): void {
  block[filled] = 0x80;
  if (filled > 55) rounds.compress();
  words.setUint32(56, total * 8, true);
  words.setUint32(60, Math.floor(total / 0x2000_0000), true);
  rounds.finish();
  filled = 0;
  total = 0;
}

/** Goes on from a state in which one block was taken. */
function resume(from: Int32Array): void {
  for (let i = 0; i < 4; i += 1) state[i] = from[i] as number;
  total = 64;
}

/** HMAC-MD5 (RFC 2104) under one key. The key's two blocks are hashed once. */
export class HmacMd5 {
  readonly #inner = new Int32Array(new ArrayBuffer(16));
  readonly #outer = new Int32Array(new ArrayBuffer(16));

  /** A key of at most 64 bytes. */
  constructor(key: Uint8Array) {
    absorb(key, 0x36, this.#inner);
    absorb(key, 0x5c, this.#outer);
  }

  /** After it {@link md5Update} takes in the message. */
  begin(): void {
    resume(this.#inner);
  }

  finish(out: Uint8Array, at: number): void {
    end();
    resume(this.#outer);
    md5Update(digest, 0, 16);
    md5Finish(out, at);
  }
}

function absorb(key: Uint8Array, pad: number, into: Int32Array): void {
  const padded = new Uint8Array(new ArrayBuffer(64)).fill(pad);
  for (let i = 0; i < key.length; i += 1) padded[i] = (key[i] as number) ^ pad;
  md5Update(padded, 0, 64);
  into.set(state);
  md5Finish(padded, 0);
  padded.fill(0);
}
