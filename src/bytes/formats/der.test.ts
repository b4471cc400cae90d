// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  armored,
  boolean,
  explicit,
  implicit,
  integer,
  namedBits,
  nothing,
  octetString,
  oid,
  pem,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts';

const hex = (der: Uint8Array) => der.toHex();

test('numbers are minimal and never negative (X.690 §8.3)', () => {
  assert.equal(hex(integer(0)), '020100');
  assert.equal(hex(integer(127)), '02017f');
  assert.equal(hex(integer(128)), '02020080');
  assert.equal(hex(integer(256)), '02020100');
  assert.equal(hex(integer(65_537)), '0203010001');
  assert.equal(hex(integer(Uint8Array.of(0, 0, 1))), '020101');
  assert.equal(hex(integer(Uint8Array.of(0))), '020100');
  assert.equal(hex(integer(Uint8Array.of(0xff))), '020200ff');
});

test('lengths take the short form up to 127 and the fewest bytes beyond', () => {
  assert.equal(hex(octetString(new Uint8Array(127))).slice(0, 4), '047f');
  assert.equal(hex(octetString(new Uint8Array(128))).slice(0, 6), '048180');
  assert.equal(hex(octetString(new Uint8Array(256))).slice(0, 8), '04820100');
  assert.equal(hex(octetString(new Uint8Array(65_536))).slice(0, 10), '0483010000');
});

test('object identifiers (X.690 §8.19)', () => {
  assert.equal(hex(oid('1.2.840.113549.1.1.11')), '06092a864886f70d01010b');
  assert.equal(hex(oid('2.5.29.17')), '0603551d11');
  assert.equal(hex(oid('1.3.6.1.5.5.8.2.2')), '06082b06010505080202');
  assert.equal(hex(oid('2.999.3')), '0603883703');
});

test('named bits leave out trailing zeros (X.690 §11.2.2)', () => {
  assert.equal(hex(namedBits([0, 2])), '030205a0');
  assert.equal(hex(namedBits([5, 6])), '03020106');
  assert.equal(hex(namedBits([8])), '0303070080');
});

test('a set stands in ascending order', () => {
  assert.equal(hex(set(integer(2), integer(1))), '3106020101020102');
});

test('times turn from UTCTime to GeneralizedTime at 2050 (RFC 5280 §4.1.2.5)', () => {
  assert.equal(hex(time(Date.UTC(2049, 11, 31))), `170d${Buffer.from('491231000000Z').toString('hex')}`);
  assert.equal(hex(time(Date.UTC(2050, 0, 1))), `180f${Buffer.from('20500101000000Z').toString('hex')}`);
});

test('small elements', () => {
  assert.equal(hex(boolean(true)), '0101ff');
  assert.equal(hex(boolean(false)), '010100');
  assert.equal(hex(nothing()), '0500');
  assert.equal(hex(sequence()), '3000');
  assert.equal(hex(utf8String('ü')), '0c02c3bc');
  assert.equal(hex(explicit(3, nothing())), 'a3020500');
  assert.equal(hex(implicit(2, Uint8Array.of(1))), '820101');
});

test('text between marks is broken at the width', () => {
  assert.equal(pem('X', Uint8Array.of(1)), '-----BEGIN X-----\nAQ==\n-----END X-----\n');
  assert.equal(armored('X', 'abcde', 2), '-----BEGIN X-----\nab\ncd\ne\n-----END X-----\n');
});
