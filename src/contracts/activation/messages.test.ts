// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAXIMUM } from '../../verify/attestation/evidence.ts';
import { BELIEVED, CHALLENGE, EVIDENCE, QUESTION, readMessage, writeMessage } from './messages.ts';

const evidence = {
  purpose: 'activate',
  question: new Uint8Array(1024),
  nonce: new Uint8Array(32),
  secret: new Uint8Array(64),
  quote: new Uint8Array(MAXIMUM.quote),
  signature: new Uint8Array(MAXIMUM.signature),
  pcrs: new Uint8Array(512),
  log: new Uint8Array(MAXIMUM.log),
  server: new Uint8Array(1024),
  wireguard: new Uint8Array(32),
  handover: new Uint8Array(32),
  proof: new Uint8Array(1024),
};

/** Whether a piece of evidence with another field is read. */
function isRead(field: string, length: number): boolean {
  return readMessage(EVIDENCE, writeMessage({ ...evidence, [field]: new Uint8Array(length) })) !== undefined;
}

test('evidence is read as it was written, each part up to its greatest length', () => {
  assert.deepEqual(readMessage(EVIDENCE, writeMessage(evidence)), evidence);
  for (const [field, value] of Object.entries(evidence)) {
    if (typeof value === 'string') continue;
    assert.ok(isRead(field, value.length), field);
    assert.equal(isRead(field, value.length + 1), false, `${field} with a byte more`);
  }
});

test('a nonce and a key of X25519 have 32 bytes, and no other number', () => {
  for (const field of ['nonce', 'wireguard', 'handover']) {
    for (const length of [0, 31, 33]) assert.equal(isRead(field, length), false, `${field} of ${length} bytes`);
  }
  const credential = { object: new Uint8Array(256), secret: new Uint8Array(512) };
  const question = { question: new Uint8Array(9), nonce: new Uint8Array(32), credential };
  assert.deepEqual(readMessage(QUESTION, writeMessage(question)), question);
  assert.equal(readMessage(QUESTION, writeMessage({ ...question, nonce: new Uint8Array(31) })), undefined);
});

test('a machine is believed, or there is no such answer; what is not JSON or has more in it is no message', () => {
  assert.deepEqual(readMessage(BELIEVED, '{"believed":true}'), { believed: true });
  for (const text of ['{"believed":false}', '{"believed":true,"more":1}', '{"believed":true', '', 'null', '[]'])
    assert.equal(readMessage(BELIEVED, text), undefined, text);
  const challenge = { certificate: new Uint8Array(MAXIMUM.certificate), attestation_key: new Uint8Array(1) };
  assert.deepEqual(readMessage(CHALLENGE, writeMessage(challenge)), challenge);
  assert.equal(readMessage(CHALLENGE, writeMessage({ ...challenge, name: 'zrh-01' })), undefined);
  assert.equal(readMessage(CHALLENGE, '{"certificate":"?","attestation_key":""}'), undefined);
});
