// SPDX-License-Identifier: AGPL-3.0-or-later

const BLOCK = 64;

/**
 * What MD4 and SHA-1 share: 64-byte blocks, a bit count at the end, and a state that is wiped after each result.
 * One instance is made at start and used again for every message, so that hashing allocates nothing and leaves nothing.
 */
export abstract class BlockDigest {
  /** Bytes of a result. */
  abstract readonly size: number;
  readonly #block = new Uint8Array(new ArrayBuffer(BLOCK));
  /** Which byte of a word is the least significant. */
  readonly #littleEndian: boolean;
  #filled = 0;
  #total = 0;

  constructor(littleEndian: boolean) {
    this.#littleEndian = littleEndian;
  }

  /** Sets the chaining state to its initial value. */
  protected abstract begin(): void;
  /** Takes the 64 bytes that begin at `at` into the chaining state. */
  protected abstract compress(bytes: Uint8Array, at: number): void;
  /** The chaining state as bytes. */
  protected abstract write(out: Uint8Array, at: number): void;
  /** Wipes the chaining state and whatever the rounds left. */
  protected abstract wipe(): void;

  update(bytes: Uint8Array, start = 0, end = bytes.length): void {
    if (this.#total === 0) this.begin();
    this.#total += end - start;
    let at = start;
    while (at < end) {
      if (this.#filled === 0 && end - at >= BLOCK) {
        this.compress(bytes, at);
        at += BLOCK;
      } else {
        at = this.#keep(bytes, at, end);
      }
    }
  }

  /** Writes the result at `at` and forgets the message. The instance is ready for the next one. */
  finish(out: Uint8Array, at = 0): void {
    if (this.#total === 0) this.begin();
    this.#pad();
    this.write(out, at);
    this.#block.fill(0);
    this.wipe();
    this.#total = 0;
  }

  /** Keeps what does not fill a block yet. Gives how far it came. */
  #keep(bytes: Uint8Array, start: number, end: number): number {
    const block = this.#block;
    let filled = this.#filled;
    let at = start;
    while (at < end && filled < BLOCK) {
      block[filled] = bytes[at] as number;
      filled += 1;
      at += 1;
    }
    this.#filled = filled;
    if (filled === BLOCK) this.#turn();
    return at;
  }

  #turn(): void {
    this.compress(this.#block, 0);
    this.#filled = 0;
  }

  #pad(): void {
    const block = this.#block;
    block[this.#filled] = 0x80;
    if (this.#filled >= BLOCK - 8) {
      block.fill(0, this.#filled + 1);
      this.#turn();
      block.fill(0, 0, BLOCK - 8);
    } else {
      block.fill(0, this.#filled + 1, BLOCK - 8);
    }
    const low = this.#total << 3;
    const high = Math.floor(this.#total / 2 ** 29);
    if (this.#littleEndian) writeLittle(block, BLOCK - 8, low, high);
    else writeBig(block, BLOCK - 8, high, low);
    this.#turn();
  }
}

function writeLittle(out: Uint8Array, at: number, first: number, second: number): void {
  for (let i = 0; i < 4; i += 1) {
    out[at + i] = first >>> (8 * i);
    out[at + 4 + i] = second >>> (8 * i);
  }
}

function writeBig(out: Uint8Array, at: number, first: number, second: number): void {
  for (let i = 0; i < 4; i += 1) {
    out[at + i] = first >>> (24 - 8 * i);
    out[at + 4 + i] = second >>> (24 - 8 * i);
  }
}

/** The sixteen words of a block, least significant byte first. */
export function wordsLittle(bytes: Uint8Array, start: number, words: Int32Array): void {
  for (let i = 0, at = start; i < 16; i += 1, at += 4) {
    words[i] =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
  }
}

/** A chaining state of four words, least significant byte first. */
export function writeState(state: Int32Array, out: Uint8Array, at: number): void {
  writeLittle(out, at, state[0] as number, state[1] as number);
  writeLittle(out, at + 8, state[2] as number, state[3] as number);
}
