// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EapReader } from './eap.ts';

/** An EAP packet with its length, or another, in the header (RFC 3748 §4). */
function packet(code: number, content: readonly number[], length = 4 + content.length): Uint8Array {
  return Uint8Array.from([code, 7, length >>> 8, length & 0xff, ...content]);
}

function read(bytes: Uint8Array, received = bytes.length) {
  const reader = new EapReader();
  return { reader, message: reader.read(bytes, received) };
}

const [REQUEST, RESPONSE] = [1, 2];
const [IDENTITY, MSCHAPV2] = [1, 26];
const NAME = Array.from(new TextEncoder().encode('alice'));
/** Operation, identifier, length, and a value of 49 bytes; then the name. */
const proof = (size = 49, name: readonly number[] = NAME) => [
  MSCHAPV2,
  2,
  7,
  0,
  59,
  size,
  ...Array(49).fill(3),
  ...name,
];

test('an identity and a proof are read with the bounds of the name', () => {
  const identity = read(packet(RESPONSE, [IDENTITY, ...NAME]));
  assert.deepEqual([identity.message, identity.reader.nameStart, identity.reader.nameEnd], ['identity', 5, 10]);
  const response = read(packet(RESPONSE, proof()));
  assert.equal(response.message, 'response');
  assert.equal(response.reader.identifier, 7);
  assert.deepEqual([response.reader.peerChallenge, response.reader.ntResponse], [10, 34]);
  assert.deepEqual([response.reader.nameStart, response.reader.nameEnd], [59, 64]);
  assert.equal(read(packet(RESPONSE, [MSCHAPV2, 3])).message, 'agreed');
});

test('what is not a whole response is nothing', () => {
  const identity = packet(RESPONSE, [IDENTITY, ...NAME]);
  const others: Record<string, [Uint8Array, number?]> = {
    'a request': [packet(REQUEST, [IDENTITY, ...NAME])],
    'shorter than a header': [identity, 4],
    'longer than what came': [packet(RESPONSE, [IDENTITY, ...NAME], 11)],
    'longer than what came, with room behind it': [packet(RESPONSE, [IDENTITY, ...NAME, 0, 0], 11), 10],
    'shorter than its header': [packet(RESPONSE, [IDENTITY, ...NAME], 4)],
    'another method': [packet(RESPONSE, [13, ...NAME])],
    'no operation': [packet(RESPONSE, [MSCHAPV2])],
    'an operation of the server': [packet(RESPONSE, [MSCHAPV2, 1])],
  };
  for (const [what, [bytes, received]] of Object.entries(others))
    assert.equal(read(bytes, received).message, 'other', what);
});

test('a proof has a value of 49 bytes, all of them', () => {
  for (const size of [0, 48, 50, 255]) assert.equal(read(packet(RESPONSE, proof(size))).message, 'other', `${size}`);
  const whole = packet(RESPONSE, proof(49, []));
  assert.equal(read(whole).message, 'response');
  for (let cut = 1; cut <= 49; cut += 1) {
    const short = packet(RESPONSE, proof(49, []).slice(0, -cut));
    assert.equal(read(short).message, 'other', `${cut} bytes less`);
  }
});
