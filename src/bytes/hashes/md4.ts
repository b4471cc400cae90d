// SPDX-License-Identifier: AGPL-3.0-or-later
import { BlockDigest, wordsLittle, writeState } from './digest.ts';

const INITIAL = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
/** RFC 1320 §3.4: which word each of the 48 steps takes. */
const ORDER = Uint8Array.from([
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, 0, 8, 4,
  12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15,
]);
const SHIFT = Uint8Array.of(3, 7, 11, 19, 3, 5, 9, 13, 3, 9, 11, 15);
const CONSTANT = Int32Array.of(0, 0x5a827999, 0x6ed9eba1);

/** RFC 1320. Broken as a hash; it is here because MS-CHAPv2 is built on it. */
export class Md4 extends BlockDigest {
  readonly size = 16;
  readonly #state = new Int32Array(new ArrayBuffer(16));
  readonly #words = new Int32Array(new ArrayBuffer(64));

  constructor() {
    super(true);
  }

  protected begin(): void {
    this.#state.set(INITIAL);
  }

  protected compress(bytes: Uint8Array, at: number): void {
    const words = this.#words;
    const state = this.#state;
    wordsLittle(bytes, at, words);
    let a = state[0] as number;
    let b = state[1] as number;
    let c = state[2] as number;
    let d = state[3] as number;
    for (let step = 0; step < 48; step += 1) {
      const round = step >>> 4;
      const mixed = round === 0 ? (b & c) | (~b & d) : round === 1 ? (b & c) | (b & d) | (c & d) : b ^ c ^ d;
      const sum = (a + mixed + (words[ORDER[step] as number] as number) + (CONSTANT[round] as number)) | 0;
      const shift = SHIFT[round * 4 + (step & 3)] as number;
      a = d;
      d = c;
      c = b;
      b = (sum << shift) | (sum >>> (32 - shift));
    }
    state[0] = (state[0] as number) + a;
    state[1] = (state[1] as number) + b;
    state[2] = (state[2] as number) + c;
    state[3] = (state[3] as number) + d;
  }

  protected write(out: Uint8Array, at: number): void {
    writeState(this.#state, out, at);
  }

  protected wipe(): void {
    this.#state.fill(0);
    this.#words.fill(0);
  }
}

const digest = new Md4();
const unit = new Uint8Array(new ArrayBuffer(2));

/**
 * MD4 of the password in UTF-16LE (RFC 2759 §8.3), 16 bytes. A holder of it can log in as well as with the password,
 * so passwords for IKEv2 are random and serve nothing else. For the issuing side: gateways never see a password.
 */
export function ntHashOf(password: string): Uint8Array {
  for (let i = 0; i < password.length; i += 1) {
    const code = password.charCodeAt(i);
    unit[0] = code & 0xff;
    unit[1] = code >>> 8;
    digest.update(unit);
  }
  unit.fill(0);
  const hash = new Uint8Array(new ArrayBuffer(16));
  digest.finish(hash);
  return hash;
}
