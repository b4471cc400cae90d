// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Encoded } from './encoding.ts';

const FULL = 0xff;
/** Adjacent bytes by which a pattern is recognised. */
const ANCHOR = 3;
const MOST_FREE_BITS = 6;

/** A pattern prepared for comparison, and the place of its anchor. */
interface Prepared<P> {
  readonly pattern: P;
  readonly bytes: Uint8Array;
  readonly mask: Uint8Array;
  readonly anchor: number;
}

function freeBits(mask: number): number {
  let count = 0;
  for (let bits = ~mask & FULL; bits !== 0; bits &= bits - 1) count += 1;
  return count;
}

/** How often a byte is met in memory and in text, roughly; the rarer the anchor, the fewer comparisons. */
function commonness(byte: number): number {
  if (byte === 0) return 64;
  if (byte === FULL) return 16;
  if (byte >= 0x20 && byte < 0x7f) return 4;
  return byte < 0x20 ? 3 : 1;
}

function costOf(bytes: Uint8Array, mask: Uint8Array): number {
  const free = mask.reduce((sum, byte) => sum + freeBits(byte), 0);
  if (free > MOST_FREE_BITS || bytes.every((byte) => byte === 0)) return Number.POSITIVE_INFINITY;
  return bytes.reduce((product, byte) => product * commonness(byte), 2 ** free);
}

/** The cheapest place: few free bits, rare bytes, never only zeros, because those are stepped over. */
function anchorOf(bytes: Uint8Array, mask: Uint8Array): number {
  let best = -1;
  let bestCost = Number.POSITIVE_INFINITY;
  for (let index = 0; index + ANCHOR <= bytes.length; index += 1) {
    const cost = costOf(bytes.subarray(index, index + ANCHOR), mask.subarray(index, index + ANCHOR));
    if (cost < bestCost) [best, bestCost] = [index, cost];
  }
  if (best === -1) throw new RangeError('a pattern needs three adjacent bytes that are known and not all zero');
  return best;
}

/** The values that a byte may have under its mask. */
function variants(byte: number, mask: number): number[] {
  return Array.from({ length: 256 }, (_, value) => value).filter((value) => (value & mask) === byte);
}

/**
 * Finds many patterns in one pass. A bit for each possible pair of bytes, and then for each possible three, tells where
 * a comparison is worth while; runs of zeros, most of a process's memory, are stepped over a word at a time.
 */
export class Matcher<P extends Encoded> {
  readonly longest: number;
  readonly #pairs = new Uint8Array(1 << 16);
  readonly #triples = new Uint8Array(1 << 21);
  readonly #byTriple = new Map<number, Prepared<P>[]>();

  constructor(patterns: readonly P[]) {
    for (const pattern of patterns) {
      const { bytes } = pattern;
      const mask = pattern.mask ?? new Uint8Array(bytes.length).fill(FULL);
      this.#enter({ pattern, bytes, mask, anchor: anchorOf(bytes, mask) });
    }
    this.longest = Math.max(ANCHOR, ...patterns.map(({ bytes }) => bytes.length));
  }

  #enter(prepared: Prepared<P>): void {
    const { bytes, mask, anchor } = prepared;
    const at = (offset: number) => variants(bytes[anchor + offset] as number, mask[anchor + offset] as number);
    for (const first of at(0)) {
      for (const second of at(1)) {
        const pair = first | (second << 8);
        this.#pairs[pair] = 1;
        for (const third of at(2)) {
          const triple = pair | (third << 16);
          this.#triples[triple >> 3] = (this.#triples[triple >> 3] as number) | (1 << (triple & 7));
          this.#byTriple.set(triple, [...(this.#byTriple.get(triple) ?? []), prepared]);
        }
      }
    }
  }

  /** Calls `hit` for every occurrence in `data[0..length]`, in no particular order. */
  search(data: Uint8Array, length: number, hit: (pattern: P, start: number) => void): void {
    const pairs = this.#pairs;
    const triples = this.#triples;
    const { words, shift } = wordsOf(data);
    const end = length - 2;
    let second = data[0] as number;
    for (let index = 0; index < end; ) {
      const first = second;
      second = data[index + 1] as number;
      const pair = first | (second << 8);
      if (pair === 0) {
        const next = zerosFrom(words, (index - shift + 2) >> 2) * 4 + shift - 2;
        if (next > index) {
          index = next;
          second = 0;
          continue;
        }
      }
      if (pairs[pair] !== 0) {
        const triple = pair | ((data[index + 2] as number) << 16);
        if (((triples[triple >> 3] as number) >> (triple & 7)) & 1) this.#compare(triple, data, index, length, hit);
      }
      index += 1;
    }
  }

  #compare(
    triple: number,
    data: Uint8Array,
    at: number,
    length: number,
    hit: (pattern: P, start: number) => void,
  ): void {
    for (const { pattern, bytes, mask, anchor } of this.#byTriple.get(triple) as Prepared<P>[]) {
      const start = at - anchor;
      if (start < 0 || start + bytes.length > length) continue;
      let same = 0;
      while (same < bytes.length && ((data[start + same] as number) & (mask[same] as number)) === bytes[same])
        same += 1;
      if (same === bytes.length) hit(pattern, start);
    }
  }
}

/** The data seen as aligned words of four bytes, and how many bytes come before the first of them. */
function wordsOf(data: Uint8Array): { words: Int32Array; shift: number } {
  const shift = -data.byteOffset & 3;
  if (data.length < shift + 4) return { words: new Int32Array(0), shift };
  return { words: new Int32Array(data.buffer, data.byteOffset + shift, (data.length - shift) >> 2), shift };
}

/** The first word that is not zero, from `word` on. */
function zerosFrom(words: Int32Array, word: number): number {
  let next = word;
  while (next < words.length && words[next] === 0) next += 1;
  return next;
}

/**
 * Searches bytes that come in pieces. What a piece may have cut in two is kept and searched again with the next one;
 * each occurrence is told once.
 */
export class StreamSearch<P extends Encoded> {
  readonly #matcher: Matcher<P>;
  readonly #hit: (pattern: P, at: number) => void;
  readonly #kept: number;
  #buffer: Uint8Array;
  #carried = 0;
  bytes = 0;

  /** `hit` is told how many bytes came before the occurrence, of all pieces so far. */
  constructor(matcher: Matcher<P>, hit: (pattern: P, at: number) => void, pieceSize = 1 << 20) {
    this.#matcher = matcher;
    this.#hit = hit;
    this.#kept = matcher.longest - 1;
    this.#buffer = new Uint8Array(pieceSize + this.#kept);
  }

  /** Room for the next piece; call {@link filled} after writing into it. Spares a copy. */
  get room(): Uint8Array {
    return this.#buffer.subarray(this.#carried);
  }

  /** `count` bytes of {@link room} were written. */
  filled(count: number): void {
    const length = this.#carried + count;
    this.#matcher.search(this.#buffer, length, (pattern, start) => {
      if (start + pattern.bytes.length > this.#carried) this.#hit(pattern, this.bytes - this.#carried + start);
    });
    this.bytes += count;
    const keep = Math.min(this.#kept, length);
    this.#buffer.copyWithin(0, length - keep, length);
    this.#carried = keep;
  }

  /** Searches a piece of any size. */
  feed(piece: Uint8Array): void {
    for (let from = 0; from < piece.length; ) {
      const part = piece.subarray(from, from + this.room.length);
      this.room.set(part);
      this.filled(part.length);
      from += part.length;
    }
  }

  /** What follows does not continue what came before. */
  reset(): void {
    this.#carried = 0;
  }
}
