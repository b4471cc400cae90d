// SPDX-License-Identifier: AGPL-3.0-or-later
import { hexDigit, word } from './scan.ts';

const ZERO = 0x30;
const NINE = 0x39;
const DOT = 0x2e;
const COLON = 0x3a;

/**
 * Reads the textual address in `bytes[start]` to `bytes[end - 1]` into `out`, network order: dotted IPv4, and every
 * IPv6 form of RFC 4291 §2.2. An IPv4-mapped address (`::ffff:192.0.2.1`) is the IPv4 address that it maps.
 *
 * Gives the number of address bytes, or 0 for anything else; `out` (at least 16 bytes) is all zeros then. Zone
 * indexes, ports, prefixes and leading zeros in dotted parts are refused. The text may come from anybody. The
 * caller wipes both.
 */
export function parseAddress(bytes: Uint8Array, start: number, end: number, out: Uint8Array): 0 | 4 | 16 {
  if (parse4(bytes, start, end, out, 0)) return 4;
  if (parse6(bytes, start, end, out)) return unmap(out);
  out.fill(0, 0, 16);
  return 0;
}

/**
 * The 4 or 16 bytes of an address that a configuration names. Never for an address of a customer, which does not become
 * text. Throws a TypeError for anything else.
 */
export function addressBytes(text: string): Uint8Array {
  const written = word(text);
  const parsed = new Uint8Array(new ArrayBuffer(16));
  const bytes = new Uint8Array(new ArrayBuffer(parseAddress(written, 0, written.length, parsed)));
  if (bytes.length === 0) throw new TypeError('not an address');
  bytes.set(parsed.subarray(0, bytes.length));
  return bytes;
}

/** Four decimal parts, written to `out` from `at`. May have written some when it gives false. */
function parse4(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): boolean {
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let i = start; i <= end; i += 1) {
    const byte = i === end ? DOT : (bytes[i] as number);
    if (byte === DOT) {
      if (digits === 0 || part === 4) return false;
      out[at + part] = value;
      part += 1;
      digits = 0;
      value = 0;
    } else if (byte >= ZERO && byte <= NINE && !(digits > 0 && value === 0)) {
      value = value * 10 + byte - ZERO;
      digits += 1;
      if (value > 255) return false;
    } else {
      return false;
    }
  }
  return part === 4;
}

/** Groups of up to four hexadecimal digits, one `::`, and perhaps a dotted tail. */
function parse6(bytes: Uint8Array, start: number, end: number, out: Uint8Array): boolean {
  let at = 0;
  let gap = -1;
  let i = start;
  if (doubleColon(bytes, i, end)) {
    gap = 0;
    i += 2;
  }
  while (i < end) {
    const first = i;
    let value = 0;
    for (; i < end && i - first < 5; i += 1) {
      const digit = hexDigit(bytes[i] as number);
      if (digit < 0) break;
      value = value * 16 + digit;
    }
    if (i < end && bytes[i] === DOT) {
      if (at > 12 || !parse4(bytes, first, end, out, at)) return false;
      at += 4;
      break;
    }
    if (at === 16 || i === first || i - first > 4) return false;
    out[at] = value >>> 8;
    out[at + 1] = value & 0xff;
    at += 2;
    if (i === end) break;
    if (doubleColon(bytes, i, end)) {
      if (gap >= 0) return false;
      gap = at;
      i += 2;
    } else if (bytes[i] === COLON && i + 1 < end) {
      i += 1;
    } else {
      return false;
    }
  }
  if (gap < 0) return at === 16;
  if (at === 16) return false;
  const tail = 16 - (at - gap);
  out.copyWithin(tail, gap, at);
  out.fill(0, gap, tail);
  return true;
}

function doubleColon(bytes: Uint8Array, at: number, end: number): boolean {
  return at + 1 < end && bytes[at] === COLON && bytes[at + 1] === COLON;
}

/** RFC 4291 §2.5.5.2: moves the IPv4 address to the front of `out` if `out` holds a mapped one. */
function unmap(out: Uint8Array): 4 | 16 {
  for (let i = 0; i < 12; i += 1) if (out[i] !== (i < 10 ? 0 : 0xff)) return 16;
  out.copyWithin(0, 12, 16);
  out.fill(0, 4, 16);
  return 4;
}
