// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { sampleCustomers, sampleLogins, samplePeers } from '../../../proof/labs/customers/sample.ts';
import { seededRandom } from '../../core/random/random.ts';
import * as layout from './layout.ts';
import { openAuthFile } from './open.ts';
import { sealAuthFile } from './seal.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const random = seededRandom('junk');
const salt = random.bytes(layout.SALT);
const LOGINS = 3;
const GOOD = sealAuthFile(
  {
    version: 7,
    salt,
    logins: sampleLogins(salt, sampleCustomers(random, LOGINS), random),
    peers: samplePeers(random, 2),
  },
  privateKey,
);
const NAMES = layout.HEADER + LOGINS * layout.LOGIN;
const PEERS = NAMES + LOGINS * layout.NAME;
/** Where the first peer's host is. */
const HOST = PEERS + layout.PUBLIC_KEY + layout.ENTITLEMENT;

function judge(bytes: Uint8Array): string {
  const result = openAuthFile(bytes, publicKey);
  return typeof result === 'string' ? result : 'opened';
}

/** A copy that is changed and then sealed again by the rightful key, as a faulty program of ours would. */
function resealed(change: (bytes: Uint8Array, view: DataView) => void): Uint8Array {
  const bytes = Uint8Array.from(GOOD);
  change(bytes, new DataView(bytes.buffer));
  bytes.set(createHash('sha256').update(bytes.subarray(layout.HEADER)).digest(), 44);
  layout.signaturePart(bytes).set(sign(null, layout.signedPart(bytes), privateKey));
  return bytes;
}

function swap(bytes: Uint8Array, at: number, width: number): void {
  const first = bytes.slice(at, at + width);
  bytes.copyWithin(at, at + width, at + 2 * width);
  bytes.set(first, at + width);
}

test('the file itself opens, wherever it begins', () => {
  assert.equal(judge(GOOD), 'opened');
  for (let offset = 1; offset < 8; offset += 1) {
    const around = new Uint8Array(GOOD.length + 16);
    around.set(GOOD, offset);
    assert.equal(judge(around.subarray(offset, offset + GOOD.length)), 'opened');
  }
});

test('cut off anywhere, it is truncated', () => {
  for (let length = 0; length < GOOD.length; length += 1) assert.equal(judge(GOOD.subarray(0, length)), 'truncated');
});

test('each changed byte is seen', () => {
  const seen = new Set<string>();
  for (let at = 0; at < GOOD.length; at += 1) {
    for (const flip of [1, 0x80, 0xff]) {
      const bytes = Uint8Array.from(GOOD);
      bytes[at] = (bytes[at] as number) ^ flip;
      const verdict = judge(bytes);
      seen.add(verdict);
      assert.equal(verdict === 'altered', at >= layout.HEADER, `byte ${at}`);
      assert.notEqual(verdict, 'opened');
    }
  }
  assert.deepEqual([...seen].toSorted(), ['altered', 'format', 'signature']);
});

test('more than was signed is altered', () => {
  assert.equal(judge(Uint8Array.from([...GOOD, 0])), 'altered');
});

test('signed by another key, or with another header, it is refused', () => {
  const other = generateKeyPairSync('ed25519');
  const bytes = Uint8Array.from(GOOD);
  layout.signaturePart(bytes).set(sign(null, layout.signedPart(bytes), other.privateKey));
  assert.equal(judge(bytes), 'signature');
  const renumbered = Uint8Array.from(GOOD);
  new DataView(renumbered.buffer).setBigUint64(12, 8n);
  assert.equal(judge(renumbered), 'signature');
  const bare = Uint8Array.from(GOOD);
  layout.signaturePart(bare).set(sign(null, bare.subarray(0, 96), privateKey));
  assert.equal(judge(bare), 'signature', 'the domain belongs to what is signed');
});

test('huge counts cost nothing and are refused', () => {
  for (const [logins, peers] of [
    [0xffff_ffff, 0xffff_ffff],
    [0x0fff_ffff, 0],
    [0, 0x4ec4_ec4f],
  ] as const) {
    const counted = (view: DataView) => {
      view.setUint32(36, logins);
      view.setUint32(40, peers);
    };
    const bytes = Uint8Array.from(GOOD);
    counted(new DataView(bytes.buffer));
    assert.equal(judge(bytes), 'signature');
    assert.equal(judge(resealed((_, view) => counted(view))), 'truncated');
  }
});

test('counts that overlap the tables are refused', () => {
  assert.equal(judge(resealed((_, view) => view.setUint32(36, LOGINS - 1))), 'altered');
  assert.equal(judge(resealed((_, view) => view.setUint32(40, 0))), 'altered');
});

test('signed nonsense is refused: order, duplicates, dangling indexes, impossible entitlements', () => {
  const entitlement = layout.HEADER + layout.KEY;
  const wrong: Record<string, (bytes: Uint8Array, view: DataView) => void> = {
    layout: (_, view) => view.setUint32(8, 2),
    version: (_, view) => view.setBigUint64(12, 2n ** 53n),
    reserved: (_, view) => view.setUint16(34, 1),
    alsoReserved: (bytes) => bytes.fill(1, 95, 96),
    loginOrder: (bytes) => swap(bytes, layout.HEADER, layout.LOGIN),
    loginTwice: (bytes) => bytes.copyWithin(layout.HEADER + layout.LOGIN, layout.HEADER, layout.HEADER + layout.KEY),
    nameOrder: (bytes) => swap(bytes, NAMES, layout.NAME),
    peerOrder: (bytes) => swap(bytes, PEERS, layout.PEER),
    laterWordOrder: (bytes) => {
      bytes.copyWithin(layout.HEADER + layout.LOGIN, layout.HEADER, layout.HEADER + layout.KEY);
      bytes.fill(0, layout.HEADER + layout.LOGIN + 4, layout.HEADER + layout.LOGIN + 8);
    },
    index: (_, view) => view.setUint32(NAMES + layout.KEY + layout.NT_HASH, LOGINS),
    noLicence: (bytes) => bytes.fill(0, entitlement, entitlement + 5),
    bigLicence: (bytes) => bytes.fill(0x80, entitlement, entitlement + 1),
    noSeat: (bytes) => bytes.fill(0, entitlement + 7, entitlement + 8),
    noSeatOfPeer: (bytes) => bytes.fill(0, PEERS + layout.PUBLIC_KEY + 7, PEERS + layout.PUBLIC_KEY + 8),
    host: (_, view) => view.setUint32(HOST, 1),
    hostBeyondEveryPool: (_, view) => view.setUint32(HOST, 2 ** 24),
    greatestHost: (_, view) => view.setUint32(HOST, 2 ** 32 - 1),
    hostTwice: (_, view) => view.setUint32(HOST, view.getUint32(HOST + layout.PEER)),
  };
  for (const [what, change] of Object.entries(wrong)) assert.equal(judge(resealed(change)), 'format', what);
  assert.equal(judge(resealed((_, view) => view.setUint32(HOST, 2 ** 24 - 1))), 'opened', 'the greatest host there is');
});

test('keys that begin alike are in order when a later word is greater', () => {
  const alike = resealed((bytes) => {
    bytes.copyWithin(layout.HEADER + layout.LOGIN, layout.HEADER, layout.HEADER + layout.KEY);
    bytes.fill(0, layout.HEADER + 12, layout.HEADER + 16);
  });
  assert.equal(judge(alike), 'opened');
});

test('random junk, alone and behind a good beginning, is refused without a throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat({ max: GOOD.length }), (junk, kept) => {
      assert.notEqual(judge(junk), 'opened');
      const mixed = Uint8Array.from([...GOOD.subarray(0, kept), ...junk]);
      assert.ok(judge(mixed) !== 'opened' || Buffer.compare(mixed, GOOD) === 0);
    }),
  );
});
