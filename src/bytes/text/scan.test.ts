// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as check, integer, property, string, stringMatching } from 'fast-check';
import {
  base64Number,
  fieldEnd,
  hasControl,
  hexDigit,
  isWord,
  lastOf,
  secretStandsAt,
  standsAt,
  wholeNumber,
  word,
} from './scan.ts';

/** Reads a text in the middle of other bytes. */
function within<T>(text: string, read: (bytes: Uint8Array, start: number, end: number) => T): T {
  const bytes = word(`1${text}1`);
  return read(bytes, 1, bytes.length - 1);
}

const numberOf = (text: string) => within(text, wholeNumber);

test('a word is compared whole, or where a text begins', () => {
  const isEnd = (text: string) => within(text, (bytes, start, end) => isWord(bytes, start, end, word('END')));
  assert.deepEqual(['END', 'ENDS', 'EN', 'AND', 'ENT', ''].map(isEnd), [true, false, false, false, false, false]);
  const begins = (text: string) => within(text, (bytes, start, end) => standsAt(bytes, start, end, word('END')));
  assert.deepEqual(['END', 'ENDS', 'EN', 'AND', ''].map(begins), [true, true, false, false, false]);
  assert.equal(standsAt(word('END'), 0, 2, word('END')), false, 'what lies behind the end does not count');
});

test('a secret stands there only with every byte', () => {
  const secret = Uint8Array.from({ length: 16 }, (_, index) => index * 17);
  const bytes = Uint8Array.of(7, 7, ...secret, 7);
  assert.equal(secretStandsAt(bytes, 2, secret), true);
  assert.equal(secretStandsAt(bytes, 1, secret), false);
  for (let at = 2; at < 18; at += 1) {
    for (let bit = 1; bit < 256; bit *= 2) {
      const other = Uint8Array.from(bytes);
      other[at] = (other[at] as number) ^ bit;
      assert.equal(secretStandsAt(other, 2, secret), false, `byte ${at}, bit ${bit}`);
    }
  }
});

test('a number has digits only and is exact', () => {
  assert.deepEqual(['0', '7', '4294967296', '007'].map(numberOf), [0, 7, 4294967296, 7]);
  assert.equal(numberOf('9007199254740991'), Number.MAX_SAFE_INTEGER);
  for (const text of ['', '-1', '+1', '1.0', '1e3', ' 1', '1 ', '/', ':', '9007199254740992', '9'.repeat(400)]) {
    assert.equal(numberOf(text), -1, text);
  }
  assert.equal(wholeNumber(word('12'), 2, 1), -1);
});

test('a number has at most sixteen digits, zeros in front included', () => {
  assert.equal(numberOf(`${'0'.repeat(15)}7`), 7);
  assert.equal(numberOf(`${'0'.repeat(16)}7`), -1);
  assert.equal(numberOf('0'.repeat(16)), 0);
  assert.equal(numberOf('0'.repeat(17)), -1);
});

test('numbers agree with those of the language', () => {
  check(property(integer({ min: 0 }), (value) => numberOf(`${value}`) === value));
  check(
    property(string(), (text) => numberOf(text) === (/^\d{1,15}$/.test(text) ? Number(text) : -1)),
    { examples: [['12'], ['1_2']] },
  );
});

test('hexadecimal digits come in both cases, and nothing else is one', () => {
  for (let byte = 0; byte < 256; byte += 1) {
    const digit = Number.parseInt(String.fromCharCode(byte), 16);
    assert.equal(hexDigit(byte), Number.isNaN(digit) ? -1 : digit, `${byte}`);
  }
});

test('a separator is found from the front and from the back', () => {
  const comma = 0x2c;
  const first = (text: string) => within(text, (bytes, start, end) => fieldEnd(bytes, start, end, comma)) - 1;
  const last = (text: string) => within(text, (bytes, start, end) => lastOf(bytes, start, end, comma)) - 1;
  assert.deepEqual(['a,b,c', ',', 'abc', ''].map(first), [1, 0, 3, 0]);
  assert.deepEqual(['a,b,c', ','].map(last), [3, 0]);
  assert.equal(lastOf(word(',abc,'), 1, 4, comma), -1, 'what lies around the text does not count');
});

test('control characters are those of ASCII', () => {
  const controls = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) =>
    hasControl(Uint8Array.of(0x41, byte, 0x41), 0, 3),
  );
  assert.deepEqual(controls, [...Array(32).keys(), 0x7f]);
  assert.equal(hasControl(Uint8Array.of(0, 0x41, 0), 1, 2), false);
});

test('eight characters of base64 are six bytes', () => {
  check(
    property(stringMatching(/^[A-Za-z0-9+/]{8}$/), (text) => {
      const expected = Number.parseInt(Buffer.from(text, 'base64').toString('hex'), 16);
      return within(`${text}==`, base64Number) === expected;
    }),
  );
  for (const text of ['AAAAAAA', 'AAAAAAA=', 'AAAA-AAA', '']) assert.equal(within(text, base64Number), -1, text);
});
