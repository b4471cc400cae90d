// SPDX-License-Identifier: AGPL-3.0-or-later

/*
 * MaxMind DB file format 2.0 (maxmind.github.io/MaxMind-DB), read in place.
 *
 *   binary search tree     node count x two records of 24, 28 or 32 bits
 *   16 zero bytes
 *   data section           values: a control byte, more of its size, the content
 *   marker, metadata       a map
 *
 * A record smaller than the node count leads to the next node, one equal to it nowhere, a greater one into the data.
 * The file may come from anybody: every read is bounded, a pointer is followed once, and looking for a member of a map
 * passes over a bounded number of values.
 */

const MARKER = Uint8Array.of(0xab, 0xcd, 0xef, ...new TextEncoder().encode('MaxMind.com'));
/** The marker is within this many bytes of the end. */
const METADATA_BOUND = 128 * 1024;
const SEPARATOR = 16;
/** Values that a search for one member may pass over. */
const MAX_PASSED = 10_000;

const TYPE = {
  extended: 0,
  pointer: 1,
  text: 2,
  uint16: 5,
  uint32: 6,
  map: 7,
  uint64: 9,
  array: 11,
  boolean: 14,
} as const;
const NUMBERS = new Set<number>([TYPE.uint16, TYPE.uint32, TYPE.uint64]);

const UTF8 = new TextDecoder();

const NOT_FOUND = -1;

/** Where a value begins, or NOT_FOUND. */
type At = number;

/** One section of values. Pointers count from its beginning. */
class Values {
  readonly #bytes: Uint8Array;
  readonly start: At;
  readonly #end: At;
  /** What the last {@link #open} found. */
  #type = 0;
  #size = 0;

  constructor(bytes: Uint8Array, start: At, end: At) {
    this.#bytes = bytes;
    this.start = start;
    this.#end = end;
  }

  /** The value that a path of keys leads to from the map at `at`. */
  member(at: At, path: readonly Uint8Array[]): At {
    let found = at;
    for (const key of path) found = this.#memberOf(found, key);
    return found;
  }

  text(at: At): string | undefined {
    const content = this.#open(at);
    return content === NOT_FOUND || this.#type !== TYPE.text
      ? undefined
      : UTF8.decode(this.#bytes.subarray(content, content + this.#size));
  }

  number(at: At): number | undefined {
    const content = this.#open(at);
    if (content === NOT_FOUND || !NUMBERS.has(this.#type) || this.#size > 6) return undefined;
    return this.#bigEndian(content, this.#size);
  }

  #memberOf(map: At, key: Uint8Array): At {
    let at = this.#open(map);
    if (at === NOT_FOUND || this.#type !== TYPE.map) return NOT_FOUND;
    for (let left = Math.min(this.#size, MAX_PASSED); left > 0; left -= 1) {
      const value = this.#after(at);
      if (value === NOT_FOUND || this.#isText(at, key)) return value;
      at = this.#after(value);
    }
    return NOT_FOUND;
  }

  #isText(at: At, text: Uint8Array): boolean {
    const content = this.#open(at);
    if (content === NOT_FOUND || this.#type !== TYPE.text || this.#size !== text.length) return false;
    return text.every((byte, index) => byte === this.#bytes[content + index]);
  }

  /** Where the value after this one begins. Pointers are not followed. */
  #after(at: At): At {
    let end = at;
    let pending = 1;
    for (let passed = 0; pending > 0; passed += 1) {
      end = passed > MAX_PASSED ? NOT_FOUND : this.#head(end);
      if (end === NOT_FOUND) return NOT_FOUND;
      pending -= 1;
      if (this.#type === TYPE.map) pending += 2 * this.#size;
      else if (this.#type === TYPE.array) pending += this.#size;
      else if (this.#type !== TYPE.boolean) end += this.#size;
    }
    return end <= this.#end ? end : NOT_FOUND;
  }

  /** Where the content begins, after at most one pointer; sets type and size. All of the content is in the section. */
  #open(at: At): At {
    let content = this.#head(at);
    if (content !== NOT_FOUND && this.#type === TYPE.pointer) {
      content = this.#head(this.start + this.#pointer(at));
      if (this.#type === TYPE.pointer) return NOT_FOUND;
    }
    const inside = this.#type === TYPE.text ? this.#size : 0;
    return content + inside <= this.#end ? content : NOT_FOUND;
  }

  /** Reads control and size. For a pointer, the size is that of its digits. */
  #head(start: At): At {
    if (start < this.start || start >= this.#end) return NOT_FOUND;
    const control = this.#bytes[start] as number;
    let at = start + 1;
    this.#type = control >> 5;
    if (this.#type === TYPE.pointer) {
      this.#size = ((control >> 3) & 3) + 1;
      return at + this.#size <= this.#end ? at : NOT_FOUND;
    }
    if (this.#type === TYPE.extended) {
      this.#type = 7 + this.#bigEndian(at, 1);
      at += 1;
    }
    const short = control & 0x1f;
    const more = Math.max(0, short - 28);
    this.#size = (more === 0 ? short : ([29, 285, 65_821][more - 1] as number)) + this.#bigEndian(at, more);
    return at + more <= this.#end ? at + more : NOT_FOUND;
  }

  #pointer(at: At): number {
    const control = this.#bytes[at] as number;
    const high = this.#size === 4 ? 0 : (control & 7) * 256 ** this.#size;
    return ([0, 2048, 526_336, 0][this.#size - 1] as number) + high + this.#bigEndian(at + 1, this.#size);
  }

  /** Bytes beyond the file count as zero. */
  #bigEndian(at: At, length: number): number {
    let value = 0;
    for (let i = 0; i < length; i += 1) value = value * 256 + (this.#bytes[at + i] ?? 0);
    return value;
  }
}

/** Bytes of a path of keys, for {@link Mmdb.text}. */
export function mmdbPath(...keys: readonly string[]): Uint8Array[] {
  return keys.map((key) => new TextEncoder().encode(key));
}

export class Mmdb {
  readonly nodeCount: number;
  readonly recordSize: number;
  readonly ipVersion: number;
  readonly #bytes: Uint8Array;
  readonly #values: Values;
  /** Where IPv4 addresses begin in a tree of IPv6. */
  readonly #start4: number;

  private constructor(bytes: Uint8Array, values: Values, shape: { nodes: number; bits: number; version: number }) {
    this.#bytes = bytes;
    this.#values = values;
    this.nodeCount = shape.nodes;
    this.recordSize = shape.bits;
    this.ipVersion = shape.version;
    let node = 0;
    for (let bit = 0; this.ipVersion === 6 && bit < 96 && node < this.nodeCount; bit += 1) node = this.#record(node, 0);
    this.#start4 = node;
  }

  /** Keeps the bytes, and reads them in place. Undefined when they are not such a file. */
  static open(bytes: Uint8Array): Mmdb | undefined {
    const marker = markerIn(bytes);
    if (marker === NOT_FOUND) return undefined;
    const metadata = new Values(bytes, marker + MARKER.length, bytes.length);
    const field = (name: string) => metadata.number(metadata.member(metadata.start, mmdbPath(name)));
    const nodes = field('node_count');
    const bits = field('record_size');
    const version = field('ip_version');
    if (field('binary_format_major_version') !== 2 || nodes === undefined) return undefined;
    if (bits !== 24 && bits !== 28 && bits !== 32) return undefined;
    if (version !== 4 && version !== 6) return undefined;
    const data = (nodes * bits) / 4 + SEPARATOR;
    if (data > marker) return undefined;
    return new Mmdb(bytes, new Values(bytes, data, marker), { nodes, bits, version });
  }

  /** The value for an address of 4 or 16 bytes in place, as a place for {@link text}; -1 when there is none. */
  find(bytes: Uint8Array, start: number, length: 4 | 16): At {
    if (length === 16 && this.ipVersion === 4) return NOT_FOUND;
    let node = length === 4 ? this.#start4 : 0;
    for (let bit = 0; bit < length * 8 && node < this.nodeCount; bit += 1) {
      node = this.#record(node, ((bytes[start + (bit >> 3)] as number) >> (7 - (bit & 7))) & 1);
    }
    return node > this.nodeCount ? this.#values.start + node - this.nodeCount - SEPARATOR : NOT_FOUND;
  }

  /** The text that a path of keys leads to, undefined where there is none. */
  text(at: At, path: readonly Uint8Array[]): string | undefined {
    return this.#values.text(this.#values.member(at, path));
  }

  #record(node: number, side: number): number {
    const bytes = this.#bytes;
    if (this.recordSize === 24) return this.#low24(node * 6 + side * 3);
    if (this.recordSize === 32) {
      const at = node * 8 + side * 4;
      return (bytes[at] as number) * 2 ** 24 + this.#low24(at + 1);
    }
    const at = node * 7;
    const middle = bytes[at + 3] as number;
    return (side === 0 ? middle >> 4 : middle & 15) * 2 ** 24 + this.#low24(at + side * 4);
  }

  #low24(at: number): number {
    const bytes = this.#bytes;
    return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
  }
}

/** The last marker of the file, as the format asks. */
function markerIn(bytes: Uint8Array): At {
  const tail = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = tail.lastIndexOf(MARKER);
  return at >= bytes.length - METADATA_BOUND ? at : NOT_FOUND;
}
