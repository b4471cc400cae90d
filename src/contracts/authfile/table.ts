// SPDX-License-Identifier: AGPL-3.0-or-later

/** Where a table of fixed-width records is in a file. The key is the beginning of a record, in 32-bit words. */
export interface TableShape {
  readonly start: number;
  readonly count: number;
  readonly width: number;
  readonly keyWords: number;
}

/** Up to so many records are looked at one after the other: their memory is fetched together. */
const SHORT = 8;

/**
 * Records in ascending order of unique keys, with a directory over the leading bits of the keys: the first record of each
 * bucket of about four. Keys that are hashes spread evenly; where customers choose them (WireGuard public keys), the
 * binary search within a bucket keeps a crowded one cheap.
 */
export class SortedTable {
  readonly #view: DataView;
  // The shape, field by field: a look-up is worth it.
  readonly #start: number;
  readonly #end: number;
  readonly #width: number;
  readonly #keyBytes: number;
  readonly #directory: Uint32Array;
  readonly #shift: number;

  private constructor(view: DataView, shape: TableShape, directory: Uint32Array, shift: number) {
    this.#view = view;
    this.#start = shape.start;
    this.#end = shape.start + shape.count * shape.width;
    this.#width = shape.width;
    this.#keyBytes = shape.keyWords * 4;
    this.#directory = directory;
    this.#shift = shift;
  }

  /** One pass that checks the order and builds the directory; undefined when a key is not greater than the one before. */
  static open(view: DataView, shape: TableShape): SortedTable | undefined {
    const bits = Math.max(1, 30 - Math.clz32(shape.count));
    const shift = 32 - bits;
    const directory = new Uint32Array(2 ** bits + 1);
    let bucket = 0;
    let previous = -1;
    for (let index = 0, at = shape.start; index < shape.count; index += 1, at += shape.width) {
      const leading = view.getUint32(at);
      if (leading <= previous && (leading < previous || !follows(view, at, shape))) return undefined;
      for (const last = leading >>> shift; bucket < last; ) directory[(bucket += 1)] = index;
      previous = leading;
    }
    directory.fill(shape.count, bucket + 1);
    return new SortedTable(view, shape, directory, shift);
  }

  /**
   * Where the record with this key begins, or -1. What a caller can time is the search by the leading word of a salted
   * hash; the rest of the key is compared in constant time.
   */
  find(key: DataView): number {
    const view = this.#view;
    const start = this.#start;
    const width = this.#width;
    const leading = key.getUint32(0);
    const bucket = leading >>> this.#shift;
    let low = this.#directory[bucket] as number;
    let high = this.#directory[bucket + 1] as number;
    while (high - low > SHORT) {
      const middle = (low + high) >>> 1;
      if (view.getUint32(start + middle * width) < leading) low = middle + 1;
      else high = middle;
    }
    const end = this.#end;
    for (let at = start + low * width; at < end; at += width) {
      const found = view.getUint32(at);
      if (found < leading) continue;
      if (found > leading) return -1;
      if (this.#sameRest(at, key)) return at;
    }
    return -1;
  }

  #sameRest(at: number, key: DataView): boolean {
    let difference = 0;
    for (let byte = 4; byte < this.#keyBytes; byte += 4) {
      difference |= this.#view.getUint32(at + byte) ^ key.getUint32(byte);
    }
    return difference === 0;
  }
}

/** Whether the key at `at`, whose leading word equals that of the record before, is greater than that record's. */
function follows(view: DataView, at: number, shape: TableShape): boolean {
  for (let word = 4; word < shape.keyWords * 4; word += 4) {
    const difference = view.getUint32(at + word) - view.getUint32(at - shape.width + word);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
