// SPDX-License-Identifier: AGPL-3.0-or-later
import { BlockDigest, wordsLittle, writeState } from './digest.ts';

const INITIAL = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
/** RFC 1321 §3.4: the integer part of 2^32 times |sin(i)|. */
const SINE = Int32Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32));

/** RFC 1321. Broken as a hash; it is here because RADIUS is built on it. */
export class Md5 extends BlockDigest {
  readonly size = 16;
  readonly #state = new Int32Array(new ArrayBuffer(16));
  readonly #words = new Int32Array(new ArrayBuffer(64));

  constructor() {
    super(true);
  }

  /** Copies the chaining state, for a key that begins many messages. Only whole blocks may have been taken so far. */
  keep(state: Int32Array): void {
    state.set(this.#state);
  }

  /** Goes on from a state of {@link keep} after that many bytes. */
  resume(state: Int32Array, bytes: number): void {
    this.continueAfter(bytes);
    this.#state.set(state);
  }

  protected begin(): void {
    this.#state.set(INITIAL);
  }

  /** Each round is a loop over four steps, with the four words in turn: a, d, c, b. */
  protected compress(bytes: Uint8Array, at: number): void {
    const state = this.#state;
    const x = this.#words;
    const t = SINE;
    wordsLittle(bytes, at, x);
    let a = state[0] as number;
    let b = state[1] as number;
    let c = state[2] as number;
    let d = state[3] as number;
    for (let i = 0; i < 16; i += 4) {
      a = (a + ((b & c) | (~b & d)) + (x[i] as number) + (t[i] as number)) | 0;
      a = (b + ((a << 7) | (a >>> 25))) | 0;
      d = (d + ((a & b) | (~a & c)) + (x[i + 1] as number) + (t[i + 1] as number)) | 0;
      d = (a + ((d << 12) | (d >>> 20))) | 0;
      c = (c + ((d & a) | (~d & b)) + (x[i + 2] as number) + (t[i + 2] as number)) | 0;
      c = (d + ((c << 17) | (c >>> 15))) | 0;
      b = (b + ((c & d) | (~c & a)) + (x[i + 3] as number) + (t[i + 3] as number)) | 0;
      b = (c + ((b << 22) | (b >>> 10))) | 0;
    }
    for (let i = 16, k = 1; i < 32; i += 4, k = (k + 20) & 15) {
      a = (a + ((b & d) | (c & ~d)) + (x[k] as number) + (t[i] as number)) | 0;
      a = (b + ((a << 5) | (a >>> 27))) | 0;
      d = (d + ((a & c) | (b & ~c)) + (x[(k + 5) & 15] as number) + (t[i + 1] as number)) | 0;
      d = (a + ((d << 9) | (d >>> 23))) | 0;
      c = (c + ((d & b) | (a & ~b)) + (x[(k + 10) & 15] as number) + (t[i + 2] as number)) | 0;
      c = (d + ((c << 14) | (c >>> 18))) | 0;
      b = (b + ((c & a) | (d & ~a)) + (x[(k + 15) & 15] as number) + (t[i + 3] as number)) | 0;
      b = (c + ((b << 20) | (b >>> 12))) | 0;
    }
    for (let i = 32, k = 5; i < 48; i += 4, k = (k + 12) & 15) {
      a = (a + (b ^ c ^ d) + (x[k] as number) + (t[i] as number)) | 0;
      a = (b + ((a << 4) | (a >>> 28))) | 0;
      d = (d + (a ^ b ^ c) + (x[(k + 3) & 15] as number) + (t[i + 1] as number)) | 0;
      d = (a + ((d << 11) | (d >>> 21))) | 0;
      c = (c + (d ^ a ^ b) + (x[(k + 6) & 15] as number) + (t[i + 2] as number)) | 0;
      c = (d + ((c << 16) | (c >>> 16))) | 0;
      b = (b + (c ^ d ^ a) + (x[(k + 9) & 15] as number) + (t[i + 3] as number)) | 0;
      b = (c + ((b << 23) | (b >>> 9))) | 0;
    }
    for (let i = 48, k = 0; i < 64; i += 4, k = (k + 28) & 15) {
      a = (a + (c ^ (b | ~d)) + (x[k] as number) + (t[i] as number)) | 0;
      a = (b + ((a << 6) | (a >>> 26))) | 0;
      d = (d + (b ^ (a | ~c)) + (x[(k + 7) & 15] as number) + (t[i + 1] as number)) | 0;
      d = (a + ((d << 10) | (d >>> 22))) | 0;
      c = (c + (a ^ (d | ~b)) + (x[(k + 14) & 15] as number) + (t[i + 2] as number)) | 0;
      c = (d + ((c << 15) | (c >>> 17))) | 0;
      b = (b + (d ^ (c | ~a)) + (x[(k + 21) & 15] as number) + (t[i + 3] as number)) | 0;
      b = (c + ((b << 21) | (b >>> 11))) | 0;
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

const digest = new Md5();

/** HMAC-MD5 (RFC 2104) under one key. The key's two blocks are hashed once. */
export class HmacMd5 {
  readonly #inner = new Int32Array(new ArrayBuffer(16));
  readonly #outer = new Int32Array(new ArrayBuffer(16));
  readonly #result = new Uint8Array(new ArrayBuffer(16));

  /** A key of at most 64 bytes. */
  constructor(key: Uint8Array) {
    this.#absorb(key, 0x36, this.#inner);
    this.#absorb(key, 0x5c, this.#outer);
  }

  begin(): void {
    digest.resume(this.#inner, 64);
  }

  update(bytes: Uint8Array, start: number, end: number): void {
    digest.update(bytes, start, end);
  }

  finish(out: Uint8Array, at: number): void {
    digest.finish(this.#result);
    digest.resume(this.#outer, 64);
    digest.update(this.#result);
    digest.finish(out, at);
    this.#result.fill(0);
  }

  #absorb(key: Uint8Array, pad: number, state: Int32Array): void {
    const block = new Uint8Array(new ArrayBuffer(64)).fill(pad);
    for (let i = 0; i < key.length; i += 1) block[i] = (key[i] as number) ^ pad;
    digest.update(block);
    digest.keep(state);
    digest.finish(block);
    block.fill(0);
  }
}
