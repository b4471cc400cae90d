// SPDX-License-Identifier: AGPL-3.0-or-later
import { constants, gunzipSync, inflateSync } from 'node:zlib';
import { pglzValues } from './pglz.ts';

/** A stream that unpacks to more is not followed to its end. */
const MOST_UNPACKED = 64 << 20;
/** Packed streams inside packed streams are followed this far. */
const DEEPEST = 3;
/** What is cut off at its end is unpacked as far as it goes. */
const TOLERANT = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MOST_UNPACKED };

const GZIP = Buffer.from([0x1f, 0x8b, 0x08]);
/** The header of gzip in base64. */
const GZIP_BASE64 = Buffer.from('H4sI');
/** The headers that zlib writes for its four levels of compression (RFC 1950). */
const ZLIB = [0x01, 0x5e, 0x9c, 0xda].map((flags) => Buffer.from([0x78, flags]));

function* placesOf(bytes: Buffer, header: Buffer): Iterable<number> {
  for (let at = bytes.indexOf(header); at !== -1; at = bytes.indexOf(header, at + 1)) yield at;
}

/** Undefined for bytes that only look like a header. */
function attempt(unpack: (bytes: Buffer, options: typeof TOLERANT) => Buffer, bytes: Buffer): Buffer | undefined {
  try {
    const unpacked = unpack(bytes, TOLERANT);
    return unpacked.length === 0 ? undefined : unpacked;
  } catch {
    return undefined;
  }
}

function base64From(bytes: Buffer, at: number): Buffer {
  const text = /^[A-Za-z0-9+/_-]*/.exec(bytes.toString('latin1', at, at + MOST_UNPACKED))?.[0] ?? '';
  return Buffer.from(text, 'base64');
}

/**
 * What is packed inside the bytes: gzip and zlib streams wherever they begin, gzip in base64, and values that PostgreSQL
 * compressed in place (pglz); and what is packed inside those. Not followed: zstd, lz4, brotli, archives with their own
 * compression, and values that PostgreSQL compressed and also cut into chunks.
 */
export function* unpacked(bytes: Uint8Array, depth = 0): Iterable<Uint8Array> {
  if (depth === DEEPEST) return;
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const found = [
    ...Array.from(placesOf(data, GZIP), (at) => attempt(gunzipSync, data.subarray(at))),
    ...Array.from(placesOf(data, GZIP_BASE64), (at) => attempt(gunzipSync, base64From(data, at))),
    ...ZLIB.flatMap((header) => Array.from(placesOf(data, header), (at) => attempt(inflateSync, data.subarray(at)))),
    ...pglzValues(data),
  ];
  for (const inner of found) {
    if (inner === undefined) continue;
    yield inner;
    yield* unpacked(inner, depth + 1);
  }
}
