// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../core/random/random.ts';
import { FreeHosts } from './free-hosts.ts';

function open(hosts: number): FreeHosts {
  return new FreeHosts(hosts, seededRandom('pool'));
}

test('every host is given once, never the network nor the gateway, and comes back only after its end', () => {
  const free = open(255);
  const taken = new Set<number>();
  for (let host = free.take(); host !== undefined; host = free.take()) taken.add(host);
  assert.equal(taken.size, 253);
  assert.equal(Math.min(...taken), 2);
  assert.equal(Math.max(...taken), 254);
  free.release(77);
  assert.equal(free.count, 1);
  assert.equal(free.take(), 77);
});

test('hosts come in no order', () => {
  const free = open(2 ** 14 - 1);
  assert.equal(free.count, 2 ** 14 - 3);
  const first = Array.from({ length: 100 }, () => free.take() as number);
  assert.notDeepEqual(
    first,
    first.toSorted((a, b) => a - b),
  );
  assert.ok(Math.max(...first) > 8000);
});

test('a host can be claimed once', () => {
  const free = open(7);
  assert.equal(free.claim(5), true);
  assert.equal(free.claim(5), false);
  assert.equal(free.claim(6), true);
  for (const stranger of [0, 1, 7, 8, 99_999]) assert.equal(free.claim(stranger), false);
  assert.deepEqual(new Set([free.take(), free.take(), free.take(), free.take()]), new Set([2, 3, 4, undefined]));
});
