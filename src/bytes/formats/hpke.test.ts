// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type Aead, open, seal, x25519PrivateKey, x25519PublicBytes } from './hpke.ts';

const hex = (text: string) => Uint8Array.fromHex(text);
const INFO = hex('4f6465206f6e2061204772656369616e2055726e');
const AAD = hex('436f756e742d30');
const PLAIN = hex('4265617574792069732074727574682c20747275746820626561757479');
const context = { info: INFO, aad: AAD };

/** RFC 9180 A.1.1, and the vector of the same suite with AES-256-GCM from the file that the RFC's authors publish. */
const VECTORS: readonly { aead: Aead; pkR: string; skE: string; skR?: string; enc?: string; ct: string }[] = [
  {
    aead: 'aes-128-gcm',
    pkR: '3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d',
    skE: '52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736',
    skR: '4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8',
    enc: '37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431',
    ct: 'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a',
  },
  {
    aead: 'aes-256-gcm',
    pkR: 'ac66bae9ffa270cf4a89ed9f274e30c0456babae2572aaaf002ff0d8884ab018',
    skE: '28e212563a8b6f068af7ff17400ff1baf23612b7a738bbaf5dfb321b2b5b431a',
    ct: '23ded2d5d90ea89d975dac4792b297240f194952d7421aacbff0474100052b6bb8aa58d18ef6c42b6960e2e28f',
  },
];

for (const { aead, pkR, skE, skR, enc, ct } of VECTORS) {
  test(`the published vector of ${aead}`, () => {
    const sealed = seal(hex(pkR), PLAIN, context, hex(skE), aead);
    assert.equal(sealed.subarray(32).toHex(), ct);
    if (enc !== undefined) assert.equal(sealed.subarray(0, 32).toHex(), enc);
    if (skR === undefined) return;
    assert.equal(x25519PublicBytes(x25519PrivateKey(hex(skR))).toHex(), pkR);
    assert.deepEqual(open(hex(skR), sealed, context, aead), PLAIN);
  });
}

test('what was sealed opens again with the same key and context, and with no other', () => {
  const own = new Uint8Array(32).fill(7);
  const recipient = x25519PublicBytes(x25519PrivateKey(own));
  const sealed = seal(recipient, PLAIN, context, new Uint8Array(32).fill(9));
  assert.deepEqual(open(own, sealed, context), PLAIN);
  assert.equal(open(new Uint8Array(32).fill(8), sealed, context), undefined);
  assert.equal(open(own, sealed, { ...context, info: AAD }), undefined);
  assert.equal(open(own, sealed, { ...context, aad: INFO }), undefined);
  assert.equal(open(own, sealed, context, 'aes-128-gcm'), undefined);
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Uint8Array.from(sealed);
    changed[at] = (changed[at] as number) ^ 1;
    assert.equal(open(own, changed, context), undefined);
    assert.equal(open(own, sealed.subarray(0, at), context), undefined);
  }
});

test('a key of low order and junk are refused without a throw', () => {
  const own = new Uint8Array(32).fill(7);
  assert.equal(open(own, new Uint8Array(64), context), undefined);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (junk) => {
      assert.equal(open(own, junk, context), undefined);
    }),
  );
});
