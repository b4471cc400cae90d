// SPDX-License-Identifier: AGPL-3.0-or-later

/** A value compressed in place is at most a page long, header included. */
const LONGEST = 8192;
const LARGEST = 1 << 20;
const HEADER = 8;

/**
 * Values that PostgreSQL compressed with its own method inside a heap page or a log record (varatt.h: four bytes of
 * length, its two lowest bits 10; then 30 bits of the raw size, two of the method, 0 for pglz). Aligned to four bytes.
 * Anything may look like such a header; what does not unpack to exactly the announced size is dropped.
 */
export function* pglzValues(data: Buffer): Iterable<Buffer> {
  for (let at = 0; at + HEADER < data.length; at += 4) {
    if (((data[at] as number) & 3) !== 2) continue;
    const length = data.readUInt32LE(at) >>> 2;
    if (length <= HEADER || length > LONGEST || at + length > data.length) continue;
    const rawSize = data.readUInt32LE(at + 4);
    if (rawSize <= length || rawSize > LARGEST) continue;
    const value = decompress(data.subarray(at + HEADER, at + length), rawSize);
    if (value !== undefined) yield value;
  }
}

/**
 * pg_lzcompress.c: a control byte announces eight items, lowest bit first; 0 is a literal byte, 1 is a copy of two
 * bytes, or three when its length is 18 or more: length - 3 in the low nibble, the distance in the other twelve bits.
 */
function decompress(source: Buffer, rawSize: number): Buffer | undefined {
  const target = Buffer.alloc(rawSize);
  let from = 0;
  let to = 0;
  while (from < source.length && to < rawSize) {
    const control = source[from++] as number;
    for (let item = 0; item < 8 && from < source.length && to < rawSize; item += 1) {
      if (((control >> item) & 1) === 0) {
        target[to++] = source[from++] as number;
        continue;
      }
      const [low = 0, high = 0] = [source[from], source[from + 1]];
      from += 2;
      const distance = ((low & 0xf0) << 4) | high;
      let length = (low & 0x0f) + 3;
      if (length === 18) length += source[from++] ?? 0;
      if (distance === 0 || distance > to) return undefined;
      for (let end = Math.min(to + length, rawSize); to < end; to += 1) target[to] = target[to - distance] as number;
    }
  }
  return to === rawSize && from >= source.length ? target : undefined;
}
