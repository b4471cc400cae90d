// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createCipheriv, createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import { ntHashOf } from '../../bytes/hashes/md4.ts';
import { HmacMd5, md5Finish, md5Update } from '../../bytes/hashes/md5.ts';
import { Sha1 } from '../../bytes/hashes/sha1.ts';
import { seededRandom } from '../../core/random/random.ts';
import { desEncrypt } from './des.ts';
import {
  authenticatorResponse,
  challengeHash,
  challengeResponse,
  masterKey,
  responseMatches,
  startKey,
} from './mschapv2.ts';

const random = seededRandom('mschapv2');

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

test('MD5 and SHA-1 agree with the ones of Node at every length around a block, in one piece and in two', () => {
  const sha1 = new Sha1();
  const out = new Uint8Array(20);
  for (let length = 0; length <= 200; length += 1) {
    const message = random.bytes(length);
    const cut = Math.floor(length / 3);
    md5Update(message, 0, cut);
    md5Update(message, cut, length);
    md5Finish(out, 0);
    assert.equal(hex(out.subarray(0, 16)), createHash('md5').update(message).digest('hex'), `md5 ${length}`);
    sha1.update(message, 0, cut);
    sha1.update(message, cut);
    sha1.finish(out);
    assert.equal(hex(out), createHash('sha1').update(message).digest('hex'), `sha1 ${length}`);
  }
});

test('HMAC-MD5 agrees with the one of Node', () => {
  const out = new Uint8Array(16);
  for (const keyLength of [0, 1, 32, 64]) {
    const key = random.bytes(keyLength);
    const mac = new HmacMd5(key);
    for (const length of [0, 1, 55, 64, 300]) {
      const message = random.bytes(length);
      mac.begin();
      md5Update(message, 0, length);
      mac.finish(out, 0);
      assert.equal(hex(out), createHmac('md5', key).update(message).digest('hex'), `${keyLength} ${length}`);
    }
  }
});

/** Spreads 56 key bits over 8 bytes, as OpenSSL wants them. */
function withParity(key: Uint8Array): Buffer {
  const bits = [...key].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return Buffer.from(Array.from({ length: 8 }, (_, i) => Number.parseInt(`${bits.slice(i * 7, i * 7 + 7)}0`, 2)));
}

test('DES agrees with OpenSSL, where three times the same key is single DES', () => {
  const out = new Uint8Array(8);
  for (let i = 0; i < 200; i += 1) {
    const key = random.bytes(7);
    const block = random.bytes(8);
    const parity = withParity(key);
    const cipher = createCipheriv('des-ede3-ecb', Buffer.concat([parity, parity, parity]), null);
    desEncrypt(key, 0, block, 0, out, 0);
    assert.equal(hex(out), cipher.setAutoPadding(false).update(block).toString('hex'));
  }
});

/** RFC 2759 §9.2. */
const SERVER_CHALLENGE = Buffer.from('5B5D7C7D7B3F2F3E3C2C602132262628', 'hex');
const PEER_CHALLENGE = Buffer.from('21402324255E262A28295F2B3A337C7E', 'hex');
const NT_RESPONSE = Buffer.from('82309ECD8D708B5EA08FAA3981CD83544233114A3D85D6DF', 'hex');
const response = {
  bytes: Buffer.concat([PEER_CHALLENGE, NT_RESPONSE, Buffer.from('User')]),
  peerChallenge: 0,
  ntResponse: 16,
  nameStart: 40,
  nameEnd: 44,
};
const ntHash = ntHashOf('clientPass');

test('MS-CHAPv2 gives the vectors of RFC 2759 §9.2', () => {
  const challenge = new Uint8Array(8);
  challengeHash(response, SERVER_CHALLENGE, challenge);
  assert.equal(hex(challenge), 'd02e4386bce91226');
  const proof = new Uint8Array(24);
  challengeResponse(ntHash, challenge, proof);
  assert.deepEqual(Buffer.from(proof), NT_RESPONSE);
  assert.ok(responseMatches(response, ntHash, challenge));
  assert.equal(responseMatches(response, ntHashOf('clientpass'), challenge), false);
  const answer = new Uint8Array(40);
  authenticatorResponse(response, ntHash, challenge, answer, 0);
  assert.equal(Buffer.from(answer).toString('latin1'), '407A5589115FD0D6209F510FE9C04566932CDA56');
});

test('every bit of the 24 bytes of a proof counts', () => {
  const challenge = new Uint8Array(8);
  challengeHash(response, SERVER_CHALLENGE, challenge);
  for (let bit = 0; bit < 8 * NT_RESPONSE.length; bit += 1) {
    const bytes = Uint8Array.from(response.bytes);
    const at = response.ntResponse + (bit >> 3);
    bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7));
    assert.equal(responseMatches({ ...response, bytes }, ntHash, challenge), false, `bit ${bit}`);
  }
});

test('the keys are those of RFC 3079 §3.5.3', () => {
  const master = new Uint8Array(16);
  masterKey(ntHash, response, master, 0);
  assert.equal(hex(master), 'fdece3717a8c838cb388e527ae3cdd31');
  const key = new Uint8Array(16);
  startKey(master, 0, 'send', key, 0);
  assert.equal(hex(key), '8b7cdc149b993a1ba118cb153f56dccb');
  startKey(master, 0, 'receive', key, 0);
  assert.notEqual(hex(key), '8b7cdc149b993a1ba118cb153f56dccb');
});
