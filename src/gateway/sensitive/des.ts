// SPDX-License-Identifier: AGPL-3.0-or-later

// FIPS 46-3. Positions in the tables count bits from 1, most significant first, as the standard prints them.
const INITIAL = Uint8Array.from([
  58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40, 32, 24,
  16, 8, 57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47, 39, 31,
  23, 15, 7,
]);
const FINAL = Uint8Array.from({ length: 64 }, (_, i) => INITIAL.indexOf(i + 1) + 1);
const EXPAND = Uint8Array.from({ length: 48 }, (_, i) => ((Math.floor(i / 6) * 4 + (i % 6) + 31) % 32) + 1);
const PERMUTE = Uint8Array.from([
  16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25,
]);
/** Choice 1, counted in the 56 key bits: the parity bits of the standard's 64 are not there. */
const CHOICE1 = Uint8Array.from(
  [
    57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36, 63, 55,
    47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
  ],
  (position) => position - Math.floor(position / 8),
);
const CHOICE2 = Uint8Array.from([
  14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37, 47, 55, 30,
  40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
]);
const SHIFTS = Uint8Array.of(1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1);
/** The eight S-boxes, four rows of sixteen each. */
const BOXES = Uint8Array.from([
  14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7, 0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9, 5, 3, 8, 4, 1, 14,
  8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0, 15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3, 14, 10, 0, 6, 13, 15, 1, 8, 14, 6, 11,
  3, 4, 9, 7, 2, 13, 12, 0, 5, 10, 3, 13, 4, 7, 15, 2, 8, 14, 12, 0, 1, 10, 6, 9, 11, 5, 0, 14, 7, 11, 10, 4, 13, 1, 5,
  8, 12, 6, 9, 3, 2, 15, 13, 8, 10, 1, 3, 15, 4, 2, 11, 6, 7, 12, 0, 5, 14, 9, 10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7,
  11, 4, 2, 8, 13, 7, 0, 9, 3, 4, 6, 10, 2, 8, 5, 14, 12, 11, 15, 1, 13, 6, 4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14,
  7, 1, 10, 13, 0, 6, 9, 8, 7, 4, 15, 14, 3, 11, 5, 2, 12, 7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5, 11, 12, 4, 15, 13, 8,
  11, 5, 6, 15, 0, 3, 4, 7, 2, 12, 1, 10, 14, 9, 10, 6, 9, 0, 12, 11, 7, 13, 15, 1, 3, 14, 5, 2, 8, 4, 3, 15, 0, 6, 10,
  1, 13, 8, 9, 4, 5, 11, 12, 7, 2, 14, 2, 12, 4, 1, 7, 10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9, 14, 11, 2, 12, 4, 7, 13, 1,
  5, 0, 15, 10, 3, 9, 8, 6, 4, 2, 1, 11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14, 11, 8, 12, 7, 1, 14, 2, 13, 6, 15, 0,
  9, 10, 4, 5, 3, 12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11, 10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13, 14, 0, 11,
  3, 8, 9, 14, 15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6, 4, 3, 2, 12, 9, 5, 15, 10, 11, 14, 1, 7, 6, 0, 8, 13, 4,
  11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1, 13, 0, 11, 7, 4, 9, 1, 10, 14, 3, 5, 12, 2, 15, 8, 6, 1, 4, 11, 13,
  12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2, 6, 11, 13, 8, 1, 4, 10, 7, 9, 5, 0, 15, 14, 2, 3, 12, 13, 2, 8, 4, 6, 15, 11,
  1, 10, 9, 3, 14, 5, 0, 12, 7, 1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6, 11, 0, 14, 9, 2, 7, 11, 4, 1, 9, 12, 14, 2, 0, 6,
  10, 13, 15, 3, 5, 8, 2, 1, 14, 7, 4, 10, 8, 13, 15, 12, 9, 0, 3, 5, 6, 11,
]);

// One bit a byte: 24 encryptions a login at most, so plainness wins over speed.
const source = new Uint8Array(new ArrayBuffer(64));
const data = new Uint8Array(new ArrayBuffer(64));
const key = new Uint8Array(new ArrayBuffer(56));
const subkey = new Uint8Array(new ArrayBuffer(48));
const mixed = new Uint8Array(new ArrayBuffer(48));
const chosen = new Uint8Array(new ArrayBuffer(32));

function permute(from: Uint8Array, table: Uint8Array, to: Uint8Array): void {
  for (let i = 0; i < table.length; i += 1) to[i] = from[(table[i] as number) - 1] as number;
}

function readBits(bytes: Uint8Array, start: number, count: number): void {
  for (let i = 0; i < count; i += 1) source[i] = ((bytes[start + (i >>> 3)] as number) >>> (7 - (i & 7))) & 1;
}

function rotateHalves(places: number): void {
  for (let turn = 0; turn < places; turn += 1) {
    const left = key[0] as number;
    const right = key[28] as number;
    key.copyWithin(0, 1, 28);
    key.copyWithin(28, 29, 56);
    key[27] = left;
    key[55] = right;
  }
}

function substitute(): void {
  for (let box = 0; box < 8; box += 1) {
    const at = box * 6;
    const row = ((mixed[at] as number) << 1) | (mixed[at + 5] as number);
    let column = 0;
    for (let i = 1; i <= 4; i += 1) column = (column << 1) | (mixed[at + i] as number);
    const value = BOXES[box * 64 + row * 16 + column] as number;
    for (let i = 0; i < 4; i += 1) chosen[box * 4 + i] = (value >>> (3 - i)) & 1;
  }
}

/** One Feistel round over `data`, whose left half is its first 32 bits. */
function round(): void {
  for (let i = 0; i < 48; i += 1) {
    mixed[i] = (data[32 + (EXPAND[i] as number) - 1] as number) ^ (subkey[i] as number);
  }
  substitute();
  for (let i = 0; i < 32; i += 1) {
    const right = data[32 + i] as number;
    data[32 + i] = (data[i] as number) ^ (chosen[(PERMUTE[i] as number) - 1] as number);
    data[i] = right;
  }
}

/**
 * Encrypts one block of 8 bytes with a key of 7 bytes, that is, without parity bits as in RFC 2759 §8.6. Broken as a
 * cipher; it is here because MS-CHAPv2 is built on it.
 */
export function desEncrypt(
  keyBytes: Uint8Array,
  keyStart: number,
  block: Uint8Array,
  start: number,
  out: Uint8Array,
  at: number,
): void {
  readBits(keyBytes, keyStart, 56);
  permute(source, CHOICE1, key);
  readBits(block, start, 64);
  permute(source, INITIAL, data);
  for (let turn = 0; turn < 16; turn += 1) {
    rotateHalves(SHIFTS[turn] as number);
    permute(key, CHOICE2, subkey);
    round();
  }
  for (let i = 0; i < 64; i += 1) source[i] = data[(i + 32) & 63] as number;
  permute(source, FINAL, data);
  for (let i = 0; i < 8; i += 1) {
    let byte = 0;
    for (let bit = 0; bit < 8; bit += 1) byte = (byte << 1) | (data[i * 8 + bit] as number);
    out[at + i] = byte;
  }
  for (const bits of [source, data, key, subkey, mixed, chosen]) bits.fill(0);
}
