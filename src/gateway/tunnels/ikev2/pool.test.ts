// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../core/random/random.ts';
import { InnerPool } from './pool.ts';

const POOL4 = '10.64.128.0/18';
const POOL6 = 'fd6c:6574:6865:3::/64';

function open(pool4 = POOL4, pool6 = POOL6): InnerPool {
  return new InnerPool(pool4, pool6, seededRandom('pool'));
}

test('every host is given once, never the gateway nor the edges, and comes back only after its end', () => {
  const pool = open('10.0.0.0/24');
  const taken = new Set<number>();
  for (let host = pool.take(); host !== undefined; host = pool.take()) taken.add(host);
  assert.equal(taken.size, 253);
  assert.equal(Math.min(...taken), 2);
  assert.equal(Math.max(...taken), 254);
  pool.release(77);
  assert.equal(pool.free, 1);
  assert.equal(pool.take(), 77);
});

test('hosts come in no order', () => {
  const pool = open();
  assert.equal(pool.free, 2 ** 14 - 3);
  const first = Array.from({ length: 100 }, () => pool.take() as number);
  assert.notDeepEqual(
    first,
    first.toSorted((a, b) => a - b),
  );
  assert.ok(Math.max(...first) > 8000);
});

test('a host can be claimed once', () => {
  const pool = open('10.0.0.0/29');
  assert.equal(pool.claim(5), true);
  assert.equal(pool.claim(5), false);
  assert.equal(pool.claim(6), true);
  for (const stranger of [0, 1, 7, 8, 99_999]) assert.equal(pool.claim(stranger), false);
  assert.deepEqual(new Set([pool.take(), pool.take(), pool.take(), pool.take()]), new Set([2, 3, 4, undefined]));
});

test('a host has the n-th address of each pool, both ways', () => {
  const pool = open();
  const four = new Uint8Array(4);
  const six = new Uint8Array(16);
  for (const host of [2, 255, 256, 0x3ffe]) {
    pool.write(host, four, six);
    assert.equal(pool.hostOf(four, 0, 4), host);
    assert.equal(pool.hostOf(six, 0, 16), host);
    assert.equal(pool.hostOf(Uint8Array.of(9, ...four), 1, 4), host);
  }
  pool.write(0x3ffe, four, six);
  assert.equal(four.join('.'), '10.64.191.254');
  assert.equal(six.toHex(), 'fd6c6574686500030000000000003ffe');
});

test('an address outside the pools, and the gateway itself, are nobody', () => {
  const pool = open();
  for (const address of ['10.64.127.9', '10.64.192.0', '10.64.128.0', '10.64.128.1', '10.65.128.2', '192.0.2.1']) {
    assert.equal(pool.hostOf(Uint8Array.from(address.split('.'), Number), 0, 4), 0, address);
  }
  assert.equal(pool.hostOf(new Uint8Array(16), 0, 16), 0);
});

test('pools of other sizes; what is no pool is refused', () => {
  assert.equal(open('10.0.0.0/8').free, 65_534 - 1);
  assert.equal(open('10.0.0.0/24', 'fd00::/124').free, 14);
  for (const [four, six] of [
    ['10.0.0/24', POOL6],
    [POOL4, '10.0.0.0/24'],
    ['', POOL6],
  ] as const) {
    assert.throws(() => open(four, six), RangeError);
  }
});
