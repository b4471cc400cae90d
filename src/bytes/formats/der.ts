// SPDX-License-Identifier: AGPL-3.0-or-later

/** A writer for the Distinguished Encoding Rules (X.690). Each function gives one complete element. */
export type Der = Uint8Array;

const UNIVERSAL = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  utcTime: 0x17,
  generalizedTime: 0x18,
} as const;

const TEXT = new TextEncoder();

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** X.690 §8.1.3: short form up to 127, else the fewest bytes that hold the length. */
function lengthOf(content: Uint8Array): number[] {
  if (content.length < 0x80) return [content.length];
  const digits: number[] = [];
  for (let rest = content.length; rest > 0; rest = Math.floor(rest / 256)) digits.unshift(rest % 256);
  return [0x80 | digits.length, ...digits];
}

function element(tag: number, content: Uint8Array): Der {
  return joined([Uint8Array.of(tag, ...lengthOf(content)), content]);
}

export function sequence(...parts: readonly Der[]): Der {
  return element(UNIVERSAL.sequence, joined(parts));
}

/** X.690 §11.6: the elements of a set are in ascending order of their encodings. */
export function set(...parts: readonly Der[]): Der {
  return element(UNIVERSAL.set, joined(parts.toSorted((a, b) => Buffer.compare(a, b))));
}

export function boolean(value: boolean): Der {
  return element(UNIVERSAL.boolean, Uint8Array.of(value ? 0xff : 0));
}

/** A number that is not negative: as such, or as at least one big-endian byte. */
export function integer(value: number | Uint8Array): Der {
  const bytes = typeof value === 'number' ? bigEndian(value) : value;
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start += 1;
  const digits = bytes.subarray(start);
  const wouldBeNegative = (digits[0] as number) >= 0x80;
  return element(UNIVERSAL.integer, wouldBeNegative ? joined([Uint8Array.of(0), digits]) : digits);
}

function bigEndian(value: number): Uint8Array {
  const hex = value.toString(16);
  return Uint8Array.fromHex(hex.length % 2 === 0 ? hex : `0${hex}`);
}

export function bitString(content: Uint8Array, unusedBits = 0): Der {
  return element(UNIVERSAL.bitString, joined([Uint8Array.of(unusedBits), content]));
}

/** Named bits from the first on (X.690 §11.2.2: trailing zero bits are left out). */
export function namedBits(bits: readonly number[]): Der {
  const last = Math.max(...bits);
  const content = new Uint8Array(Math.floor(last / 8) + 1);
  for (const bit of bits) content[bit >> 3] = (content[bit >> 3] as number) | (0x80 >> (bit & 7));
  return bitString(content, 7 - (last & 7));
}

export function octetString(content: Uint8Array): Der {
  return element(UNIVERSAL.octetString, content);
}

export function nothing(): Der {
  return element(UNIVERSAL.null, new Uint8Array(0));
}

/** Dotted decimal: `2.5.29.17` */
export function oid(dotted: string): Der {
  const [first, second, ...rest] = dotted.split('.').map(Number) as [number, number, ...number[]];
  return element(UNIVERSAL.oid, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) digits.unshift(0x80 | (rest & 0x7f));
  return digits;
}

export function utf8String(text: string): Der {
  return element(UNIVERSAL.utf8String, TEXT.encode(text));
}

/** RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on. Milliseconds since the Unix epoch. */
export function time(milliseconds: number): Der {
  const digits = `${new Date(milliseconds).toISOString().slice(0, 19).replace(/\D/g, '')}Z`;
  return digits < '2050'
    ? element(UNIVERSAL.utcTime, TEXT.encode(digits.slice(2)))
    : element(UNIVERSAL.generalizedTime, TEXT.encode(digits));
}

/** Context-specific tag around complete elements. */
export function explicit(tag: number, ...parts: readonly Der[]): Der {
  return element(0xa0 | tag, joined(parts));
}

/** Context-specific tag instead of the element's own, for primitive content. */
export function implicit(tag: number, content: Uint8Array): Der {
  return element(0x80 | tag, content);
}

/** RFC 7468 */
export function pem(label: string, der: Der): string {
  return armored(label, der.toBase64(), 64);
}

/** Text between the two marks of RFC 7468, `width` characters a line. */
export function armored(label: string, text: string, width: number): string {
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += width) lines.push(text.slice(at, at + width));
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
