// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  sha256Byte,
  sha256Finish,
  sha256FinishInPlace,
  sha256Forget,
  sha256Login,
  sha256Start,
  sha256Update,
  sha256Wipe,
} from './sha256.ts';
import { rounds } from './sha256-rounds.ts';

function digestOf(...parts: readonly Uint8Array[]): string {
  const out = new Uint8Array(40).fill(0xee);
  sha256Start();
  for (const part of parts) sha256Update(part, 0, part.length);
  sha256Finish(out, 5);
  assert.deepEqual(
    [...out.subarray(0, 5), ...out.subarray(37)],
    Array.from({ length: 8 }, () => 0xee),
    'nothing beside the digest',
  );
  return Buffer.from(out.subarray(5, 37)).toString('hex');
}

const memory = new Uint8Array(rounds.memory.buffer);
/** Nothing but the constants. */
const clean = Uint8Array.from(memory);
const isClean = () => Buffer.compare(memory, clean) === 0;
const text = (value: string) => new TextEncoder().encode(value);

test('the vectors of FIPS 180-4 and NIST', () => {
  const vectors = [
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
    [
      'abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu',
      'cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1',
    ],
    ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
  ] as const;
  for (const [message, digest] of vectors) assert.equal(digestOf(text(message)), digest);
});

test('every length up to five blocks agrees with OpenSSL', () => {
  for (let length = 0; length <= 320; length += 1) {
    const message = Uint8Array.from({ length }, (_, at) => at * 31 + length);
    assert.equal(digestOf(message), hash('sha256', message), `${length} bytes`);
  }
});

test('however a message is cut, and wherever it stands, its digest is the same', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 150 }), { maxLength: 6 }), (parts) => {
      assert.equal(digestOf(...parts), hash('sha256', Buffer.concat(parts)));
    }),
  );
  const around = Uint8Array.from({ length: 300 }, (_, at) => at);
  const out = new Uint8Array(32);
  sha256Start();
  sha256Update(around, 17, 230);
  sha256Finish(out, 0);
  assert.equal(Buffer.from(out).toString('hex'), hash('sha256', around.subarray(17, 230)));
});

test('single bytes count like ranges, across blocks too', () => {
  const message = Uint8Array.from({ length: 130 }, (_, at) => 255 - at);
  const out = new Uint8Array(32);
  sha256Start();
  for (const byte of message) sha256Byte(byte);
  sha256Finish(out, 0);
  assert.equal(Buffer.from(out).toString('hex'), hash('sha256', message));
});

test('the digest in place is the same and is wiped when asked', () => {
  const message = text('in place');
  sha256Start();
  sha256Update(message, 0, message.length);
  const view = sha256FinishInPlace();
  const words = Array.from({ length: 8 }, (_, word) =>
    view
      .getUint32(4 * word)
      .toString(16)
      .padStart(8, '0'),
  );
  assert.equal(words.join(''), hash('sha256', message));
  assert.ok(!isClean());
  sha256Forget();
  assert.ok(isClean());
});

test('nothing of a message stays, finished or given up', () => {
  const secret = text('0123456789'.repeat(20));
  assert.deepEqual([...new Set(clean.subarray(0, 256))], [0]);
  digestOf(secret);
  assert.ok(isClean());
  sha256Start();
  sha256Update(secret, 0, secret.length);
  assert.ok(!isClean());
  sha256Wipe();
  assert.ok(isClean());
});

test('a hash that was given up does not spoil the next one', () => {
  sha256Start();
  sha256Update(text('given up'), 0, 8);
  assert.equal(digestOf(text('abc')), hash('sha256', 'abc'));
});

test('the digest of a login is that of its parts, in one block or more, whatever was under way', () => {
  const bytes = Uint8Array.from({ length: 200 }, (_, at) => at * 7 + 1);
  for (const salt of [text('fourteen bytes'), text('short')]) {
    const words = new DataView(salt.buffer, salt.byteOffset, salt.length);
    for (let user = 0; user <= 45; user += 3) {
      for (let password = 0; password <= 45; password += 1) {
        if (password % 2 === 0) sha256Update(bytes, 0, 70);
        const view = sha256Login(words, bytes, 5, 5 + user, 100, 100 + password);
        const digest = Buffer.from(view.buffer, view.byteOffset, 32).toString('hex');
        sha256Forget();
        const parts = [salt, bytes.subarray(5, 5 + user), new Uint8Array(1), bytes.subarray(100, 100 + password)];
        assert.equal(digest, hash('sha256', Buffer.concat(parts)), `${user} and ${password} bytes`);
        assert.ok(isClean());
      }
    }
  }
});
