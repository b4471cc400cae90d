// SPDX-License-Identifier: AGPL-3.0-or-later

// Reading text in place: nothing here makes a string of what it reads. A text is `bytes[start]` to `bytes[end - 1]`.

const ZERO = 0x30;
const NINE = 0x39;

/** The bytes of a fixed word of a protocol. Never used for data. */
export function word(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Whether the text from `at` on begins with `word`. */
export function standsAt(bytes: Uint8Array, at: number, end: number, word: Uint8Array): boolean {
  if (at + word.length > end) return false;
  for (let i = 0; i < word.length; i += 1) if (bytes[at + i] !== word[i]) return false;
  return true;
}

/** Whether the text is `word` and nothing else. */
export function isWord(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  return end - start === word.length && standsAt(bytes, start, end, word);
}

/** {@link standsAt} for secrets and proofs: takes the same time wherever they differ. `at` leaves room for `secret`. */
export function secretStandsAt(bytes: Uint8Array, at: number, secret: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < secret.length; i += 1) difference |= (bytes[at + i] as number) ^ (secret[i] as number);
  return difference === 0;
}

/** As many as 2^53 - 1 has. */
const MOST_DIGITS = 16;

/** The decimal number below 2^53 that the text is, in at most sixteen digits; -1 for anything else. */
export function wholeNumber(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end || end - start > MOST_DIGITS) return -1;
  let value = 0;
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i] as number;
    if (byte < ZERO || byte > NINE) return -1;
    value = value * 10 + (byte - ZERO);
    if (value > Number.MAX_SAFE_INTEGER) return -1;
  }
  return value;
}

/** The value of a hexadecimal digit, of either case; -1 for any other byte. */
export function hexDigit(byte: number): number {
  if (byte >= ZERO && byte <= NINE) return byte - ZERO;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** The place of the first `separator` from `start` on, or `end`. */
export function fieldEnd(bytes: Uint8Array, start: number, end: number, separator: number): number {
  let at = start;
  while (at < end && bytes[at] !== separator) at += 1;
  return at;
}

/** The place of the last `separator`, or -1. */
export function lastOf(bytes: Uint8Array, start: number, end: number, separator: number): number {
  for (let i = end - 1; i >= start; i -= 1) if (bytes[i] === separator) return i;
  return -1;
}

/** Whether any byte is a control character of ASCII. */
export function hasControl(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i += 1) {
    const byte = bytes[i] as number;
    if (byte < 0x20 || byte === 0x7f) return true;
  }
  return false;
}

const BASE64 = word('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/');

/** The first eight characters of base64 as a number of 48 bits; -1 when there are none. */
export function base64Number(bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 8) return -1;
  let value = 0;
  for (let i = start; i < start + 8; i += 1) {
    const digit = BASE64.indexOf(bytes[i] as number);
    if (digit < 0) return -1;
    value = value * 64 + digit;
  }
  return value;
}
