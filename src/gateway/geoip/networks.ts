// SPDX-License-Identifier: AGPL-3.0-or-later

/*
 * A table of networks' holders, searched in place. Numbers are big endian.
 *
 *    0   8  magic "LetheNW\n"
 *    8   4  ranges of IPv4, A          12   4  ranges of IPv6, B
 *   16   4  names, N                   20  32  SHA-256 of what it was made from
 *   52      A x 4   first address, ascending
 *           B x 16  first address, ascending
 *           (A + B) x 4  number of the name: the range ends where the next begins
 *           (N + 1) x 4  where each name begins, and where the last ends, from the beginning of the text
 *           text, UTF-8
 *
 * Name 0 is empty: the range has no known holder.
 */
const MAGIC = new TextEncoder().encode('LetheNW\n');
const UTF8 = new TextDecoder();
const HEADER = 52;
const SOURCE = { start: 20, end: 52 } as const;

export interface Range {
  /** 4 or 16 bytes. */
  readonly first: Uint8Array;
  readonly name: number;
}

/** Ranges in ascending order of their first addresses. */
export interface NetworkRanges {
  readonly v4: readonly Range[];
  readonly v6: readonly Range[];
  /** The first is empty. */
  readonly names: readonly string[];
  /** SHA-256 of what they were made from. */
  readonly source: Uint8Array;
}

export function writeNetworks({ v4, v6, names, source }: NetworkRanges): Uint8Array {
  const texts = names.map((name) => new TextEncoder().encode(name));
  const textLength = texts.reduce((length, text) => length + text.length, 0);
  const nameStart = HEADER + v4.length * 4 + v6.length * 16;
  const offsetStart = nameStart + (v4.length + v6.length) * 4;
  const textStart = offsetStart + (names.length + 1) * 4;
  const file = new Uint8Array(textStart + textLength);
  const view = new DataView(file.buffer);
  file.set(MAGIC);
  for (const [index, count] of [v4.length, v6.length, names.length].entries()) view.setUint32(8 + index * 4, count);
  file.set(source, SOURCE.start);
  let at = HEADER;
  for (const [index, range] of [...v4, ...v6].entries()) {
    file.set(range.first, at);
    at += range.first.length;
    view.setUint32(nameStart + index * 4, range.name);
  }
  let written = 0;
  for (const [index, text] of texts.entries()) {
    view.setUint32(offsetStart + index * 4, written);
    file.set(text, textStart + written);
    written += text.length;
  }
  view.setUint32(offsetStart + names.length * 4, written);
  return file;
}

/** What a table says it was made from; undefined when the bytes are no such table. */
export function sourceOf(bytes: Uint8Array): Uint8Array | undefined {
  return Networks.open(bytes) === undefined ? undefined : bytes.subarray(SOURCE.start, SOURCE.end);
}

/** The table, looked up over the caller's address bytes: they are compared in place and become no number. */
export class Networks {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #v4: number;
  readonly #v6: number;
  readonly #names: number;

  private constructor(bytes: Uint8Array, view: DataView) {
    this.#bytes = bytes;
    this.#view = view;
    this.#v4 = view.getUint32(8);
    this.#v6 = view.getUint32(12);
    this.#names = view.getUint32(16);
  }

  /** Keeps the bytes. Undefined when they are not such a table. A table in disorder gives wrong names, and no harm. */
  static open(bytes: Uint8Array): Networks | undefined {
    if (bytes.length < HEADER || MAGIC.some((byte, at) => bytes[at] !== byte)) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const networks = new Networks(bytes, view);
    return networks.#textStart() <= bytes.length ? networks : undefined;
  }

  /** Every name of the table, each once. */
  names(): string[] {
    return Array.from({ length: Math.max(0, this.#names - 1) }, (_, index) => this.#text(index + 1));
  }

  /** Who holds the network of an address of 4 or 16 bytes; undefined when that is not known. */
  holderOf(bytes: Uint8Array, start: number, length: 4 | 16): string | undefined {
    const table = length === 4 ? HEADER : HEADER + this.#v4 * 4;
    let low = 0;
    let high = length === 4 ? this.#v4 : this.#v6;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#beginsAfter(table + middle * length, bytes, start, length)) high = middle;
      else low = middle + 1;
    }
    return low === 0 ? undefined : this.#name((length === 4 ? 0 : this.#v4) + low - 1);
  }

  #beginsAfter(at: number, bytes: Uint8Array, start: number, length: number): boolean {
    for (let i = 0; i < length; i += 1) {
      const difference = (this.#bytes[at + i] as number) - (bytes[start + i] as number);
      if (difference !== 0) return difference > 0;
    }
    return false;
  }

  #name(range: number): string | undefined {
    const name = this.#view.getUint32(this.#nameStart() + range * 4);
    return name === 0 || name >= this.#names ? undefined : this.#text(name);
  }

  #text(name: number): string {
    const offset = this.#textStart() - (this.#names + 1 - name) * 4;
    const [from, to] = [this.#view.getUint32(offset), this.#view.getUint32(offset + 4)];
    return UTF8.decode(this.#bytes.subarray(this.#textStart() + from, this.#textStart() + to));
  }

  #nameStart(): number {
    return HEADER + this.#v4 * 4 + this.#v6 * 16;
  }

  #textStart(): number {
    return this.#nameStart() + (this.#v4 + this.#v6) * 4 + (this.#names + 1) * 4;
  }
}
