// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import { fleetAuthorization, fleetTokenOf, isFleetToken } from './endpoints.ts';
import { openExpected, signExpected } from './expected.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const EXPECTED = {
  gateway: 'zrh-01',
  serial: 5,
  location: 'ch-zrh',
  release: '0.1.0',
  files: { 'unbound/unbound.conf': 'ab'.repeat(32) },
};

test('what one side signs, the other side opens', () => {
  const { body, signature } = signExpected(EXPECTED, privateKey);
  assert.deepEqual(openExpected(Buffer.from(body), signature, publicKey), EXPECTED);
  assert.equal(openExpected(Buffer.from(`${body} `), signature, publicKey), 'signature');
  assert.equal(openExpected(Buffer.from(body), undefined, publicKey), 'signature');
});

test('a signature without its domain counts for nothing', () => {
  const { body, signature } = signExpected(EXPECTED, privateKey);
  const bare = sign(null, Buffer.from(body), privateKey).toString('base64');
  assert.equal(openExpected(Buffer.from(body), bare, publicKey), 'signature');
  const whole = sign(null, Buffer.from(`lethe expected configuration v1\n${body}`), privateKey).toString('base64');
  assert.equal(signature, whole);
});

test('a document that no gateway would read is not signed', () => {
  assert.throws(() => signExpected({ ...EXPECTED, files: { '../passwd': 'ab'.repeat(32) } }, privateKey));
  assert.throws(() => signExpected({ ...EXPECTED, serial: -1 }, privateKey));
});

test('a token goes into its header and comes out again; anything else is none', () => {
  const token = 'a-token+of/32=characters_and_more';
  assert.equal(isFleetToken(token), true);
  assert.equal(fleetTokenOf(fleetAuthorization(token)), token);
  for (const junk of [undefined, '', 'Bearer', token, `Basic ${token}`, `Bearer ${token}\n`, 'Bearer short']) {
    assert.equal(fleetTokenOf(junk), undefined);
  }
  assert.equal(isFleetToken(`${token}\n`), false);
});
