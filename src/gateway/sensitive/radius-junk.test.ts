// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as reference from '../../../proof/labs/ikev2/radius-reference.ts';
import { ManualClock } from '../../core/clock/clock.ts';
import { seededRandom } from '../../core/random/random.ts';
import { nowhere } from '../geoip/origin.ts';
import { EapReader } from './eap.ts';
import { RadiusServer } from './radius.ts';
import { MAX_RADIUS_PACKET, RadiusPacket } from './radius-packet.ts';

const random = seededRandom('radius junk');
const chance = new DataView(random.bytes(1 << 20).buffer);
let drawn = 0;

/** Fast chance: a wheel of random bytes is enough to pick places and values. */
function pick(limit: number): number {
  drawn = (drawn + 4) % (chance.byteLength - 4);
  return chance.getUint32(drawn) % limit;
}

const TEMPTING = [0, 1, 2, 3, 16, 17, 18, 79, 80, 127, 128, 253, 254, 255];

/** Changes some bytes, most often to values that mean something, and sometimes cuts. Gives the new length. */
function mutate(bytes: Uint8Array, length: number, from = 0): number {
  for (let changes = 1 + pick(4); changes > 0; changes -= 1) {
    bytes[from + pick(Math.max(1, length - from))] =
      pick(2) === 0 ? (TEMPTING[pick(TEMPTING.length)] as number) : pick(256);
  }
  return pick(8) === 0 ? pick(length + 1) : length;
}

const GOOD = [
  reference.request({
    attributes: [
      reference.attribute(1, 'alice'),
      reference.coveredPassword('wonderland', Buffer.alloc(16)),
      reference.number(5, 1),
      reference.attribute(31, '203.0.113.9[4500]'),
    ],
  }),
  reference.request({
    attributes: [
      reference.attribute(1, 'a\u0000\u001b]0;\u0007\n'),
      ...reference.eapAttributes(reference.identity('alice'), 2),
      reference.attribute(24, Buffer.alloc(16)),
    ],
  }),
  reference.request({
    attributes: reference.eapAttributes(reference.chapResponse(1, Buffer.alloc(16), Buffer.alloc(24), 'alice')),
  }),
  reference.accountingRequest([reference.attribute(1, 'alice'), reference.number(5, 1)]),
];
const VERDICTS = new Set(['ok', 'length', 'code', 'attribute', 'unsigned', 'forged']);

test('450 000 altered packets, and 50 000 of chance alone, are read without a throw and only within their bounds', () => {
  const packet = new RadiusPacket(reference.SECRET);
  const bytes = new Uint8Array(MAX_RADIUS_PACKET + 10);
  const seen = new Map<string, number>();
  for (let i = 0; i < 500_000; i += 1) {
    const good = GOOD[i % GOOD.length] as Buffer;
    let length = good.length;
    bytes.set(good);
    if (i % 10 === 9) for (let at = 0; at < length; at += 1) bytes[at] = pick(256);
    length = mutate(bytes, length);
    const verdict = packet.read(bytes, length);
    seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
    for (const end of [packet.userEnd, packet.passwordEnd, packet.stateEnd, packet.callingEnd])
      assert.ok(end <= length);
    packet.wipe();
    assert.equal(packet.eapLength, 0);
  }
  assert.deepEqual(new Set(seen.keys()), VERDICTS);
});

test('300 000 altered EAP packets are read without a throw and only within their bounds', () => {
  const reader = new EapReader();
  const good = [
    reference.identity('alice'),
    reference.chapResponse(1, Buffer.alloc(16), Buffer.alloc(24), 'DOMAIN\\alice'),
    reference.eap(2, 1, [26, 3]),
  ];
  const bytes = new Uint8Array(256);
  const seen = new Set<string>();
  for (let i = 0; i < 300_000; i += 1) {
    const packet = good[i % good.length] as Buffer;
    bytes.set(packet);
    const length = mutate(bytes, packet.length);
    const message = reader.read(bytes, length);
    seen.add(message);
    if (message === 'response') assert.ok(reader.nameStart <= reader.nameEnd && reader.nameEnd <= length);
    if (message === 'response') assert.ok(reader.ntResponse + 24 <= length);
  }
  assert.deepEqual([...seen].toSorted(), ['agreed', 'identity', 'other', 'response']);
});

test('20 000 altered packets with a right signature are answered or met with silence', () => {
  const server = new RadiusServer({
    auth: {
      current: {
        version: 1,
        login: () => undefined,
        name: () => undefined,
        peers: () => [],
        peer: () => undefined,
      },
      onChange: () => undefined,
    },
    gate: { admit: () => assert.fail('admitted'), addresses: () => assert.fail('accepted') },
    origin: nowhere,
    clock: new ManualClock(0),
    random,
    secret: reference.SECRET,
    places: 64,
  });
  const codes = new Set<number>();
  for (let i = 0; i < 20_000; i += 1) {
    if (i % 50 === 0) server.expire();
    const eap = reference.chapResponse(i & 0xff, Buffer.alloc(16), Buffer.alloc(24), 'alice');
    const contents = i % 2 === 0 ? reference.identity('alice') : eap;
    const length = mutate(contents, contents.length);
    const attributes = [
      ...reference.eapAttributes(contents.subarray(0, length)),
      reference.attribute(24, Buffer.alloc(16)),
    ];
    const packet = new Uint8Array(reference.request({ attributes: i % 4 < 2 ? attributes.slice(0, -1) : attributes }));
    const answered = server.answer(packet, packet.length);
    codes.add(answered === 0 ? 0 : (server.reply.bytes[0] as number));
  }
  assert.deepEqual(
    [...codes].toSorted((a, b) => a - b),
    [0, 3, 11],
  );
});

test('length fields at their edges', () => {
  const packet = new RadiusPacket(reference.SECRET);
  const read = (bytes: Buffer, received = bytes.length) => packet.read(new Uint8Array(bytes), received);
  const sized = (length: number, total = 4096) => {
    const bytes = Buffer.alloc(total);
    bytes.set([1, 1, length >>> 8, length & 0xff]);
    return bytes;
  };
  assert.equal(read(Buffer.alloc(0)), 'length');
  assert.equal(read(sized(19)), 'length');
  assert.equal(read(sized(20)), 'unsigned');
  assert.equal(read(sized(4097, 5000)), 'length');
  assert.equal(read(sized(100, 99)), 'length');
  for (const size of [0, 1, 255]) {
    const bytes = sized(60);
    bytes.set([1, size], 20);
    assert.equal(read(bytes), 'attribute', String(size));
  }
  const oneByte = sized(21);
  assert.equal(read(oneByte), 'attribute');
});
