// SPDX-License-Identifier: AGPL-3.0-or-later
import { BlockDigest } from './digest.ts';

const INITIAL = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
const CONSTANT = Int32Array.of(0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6);

/** SHA-1 (RFC 3174). Broken as a hash; it is here because MS-CHAPv2 is built on it. */
export class Sha1 extends BlockDigest {
  readonly size = 20;
  readonly #state = new Int32Array(new ArrayBuffer(20));
  readonly #words = new Int32Array(new ArrayBuffer(320));

  constructor() {
    super(false);
  }

  protected begin(): void {
    this.#state.set(INITIAL);
  }

  protected compress(bytes: Uint8Array, at: number): void {
    const words = this.#words;
    const state = this.#state;
    this.#expand(bytes, at);
    let a = state[0] as number;
    let b = state[1] as number;
    let c = state[2] as number;
    let d = state[3] as number;
    let e = state[4] as number;
    for (let step = 0; step < 80; step += 1) {
      const round = Math.floor(step / 20);
      const mixed = round === 0 ? (b & c) | (~b & d) : round === 2 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
      const sum = (((a << 5) | (a >>> 27)) + mixed + e + (CONSTANT[round] as number) + (words[step] as number)) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = sum;
    }
    state[0] = (state[0] as number) + a;
    state[1] = (state[1] as number) + b;
    state[2] = (state[2] as number) + c;
    state[3] = (state[3] as number) + d;
    state[4] = (state[4] as number) + e;
  }

  protected write(out: Uint8Array, at: number): void {
    for (let i = 0; i < 20; i += 1) out[at + i] = (this.#state[i >>> 2] as number) >>> (24 - 8 * (i & 3));
  }

  protected wipe(): void {
    this.#state.fill(0);
    this.#words.fill(0);
  }

  #expand(bytes: Uint8Array, start: number): void {
    const words = this.#words;
    for (let i = 0; i < 16; i += 1) {
      const at = start + 4 * i;
      words[i] =
        ((bytes[at] as number) << 24) |
        ((bytes[at + 1] as number) << 16) |
        ((bytes[at + 2] as number) << 8) |
        (bytes[at + 3] as number);
    }
    for (let i = 16; i < 80; i += 1) {
      const mixed =
        (words[i - 3] as number) ^ (words[i - 8] as number) ^ (words[i - 14] as number) ^ (words[i - 16] as number);
      words[i] = (mixed << 1) | (mixed >>> 31);
    }
  }
}
