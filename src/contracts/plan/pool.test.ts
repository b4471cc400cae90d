// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TUNNELS } from './plan.ts';
import { hostOf, innerAddresses, innerPools, writeAddresses } from './pool.ts';

const POOLS = { pool4: '10.64.192.0/18', pool6: 'fd6c:6574:6865:4::/64' };

test('host n has the n-th address of both pools', () => {
  assert.deepEqual(innerAddresses(POOLS, 1), ['10.64.192.1', 'fd6c:6574:6865:4::1']);
  assert.deepEqual(innerAddresses(POOLS, 2), ['10.64.192.2', 'fd6c:6574:6865:4::2']);
  assert.deepEqual(innerAddresses(POOLS, 16_382), ['10.64.255.254', 'fd6c:6574:6865:4::3ffe']);
  for (const host of [0, -1, 1.5, 16_383, Number.NaN]) assert.throws(() => innerAddresses(POOLS, host), RangeError);
});

test('addresses are written as RFC 5952 says', () => {
  const six = (pool6: string) => innerAddresses({ pool4: POOLS.pool4, pool6 }, 2)[1];
  assert.equal(six('fd00::/64'), 'fd00::2');
  assert.equal(six('fd00:0:0:1::/64'), 'fd00:0:0:1::2');
  assert.equal(six('fd00:0:0:1:0:0:1:0/112'), 'fd00::1:0:0:1:2');
  assert.equal(six('fd00:1:2:3:4:5:6:0/112'), 'fd00:1:2:3:4:5:6:2');
  assert.equal(six('fd00:0:2:3:4:5:6:0/112'), 'fd00:0:2:3:4:5:6:2');
});

test("a customer's addresses lead back to the host, both ways", () => {
  const pools = innerPools(POOLS);
  const four = new Uint8Array(4);
  const six = new Uint8Array(16);
  for (const host of [2, 255, 256, 16_382]) {
    writeAddresses(pools, host, four, six);
    assert.deepEqual(four, Uint8Array.of(10, 64, 192 + (host >> 8), host & 255));
    assert.equal(hostOf(pools, four, 0, 4), host);
    assert.equal(hostOf(pools, six, 0, 16), host);
    assert.equal(hostOf(pools, Uint8Array.of(9, ...four), 1, 4), host);
  }
  assert.equal(six.toHex(), 'fd6c6574686500040000000000003ffe');
});

test('the network, the gateway, the broadcast address and strangers are no customers', () => {
  const pools = innerPools(POOLS);
  for (const other of [
    [10, 64, 192, 0],
    [10, 64, 192, 1],
    [10, 64, 255, 255],
    [10, 64, 191, 255],
    [10, 65, 0, 0],
    [255, 255, 255, 255],
    [0, 0, 0, 0],
  ])
    assert.equal(hostOf(pools, Uint8Array.from(other), 0, 4), undefined);
  assert.equal(hostOf(pools, new Uint8Array(16).fill(255), 0, 16), undefined);
  assert.equal(hostOf(pools, new Uint8Array(16), 0, 16), undefined);
});

test('the service has four million hosts for WireGuard keys, and none of them is in another pool', () => {
  const { wireguard, ...others } = TUNNELS;
  const pools = innerPools(wireguard);
  assert.equal(pools.hosts - 2, 4_194_301);
  assert.deepEqual(innerAddresses(wireguard, 4_194_302), ['100.127.255.254', 'fd6c:6574:6865:4::3f:fffe']);
  for (const tunnel of Object.values(others)) {
    const six = innerPools(tunnel).base6;
    assert.equal(hostOf(pools, innerPools(tunnel).base4, 0, 4), undefined);
    assert.notDeepEqual(six.subarray(0, 8), pools.base6.subarray(0, 8));
  }
});

test('the smaller pool limits the hosts, and 22 bits do', () => {
  assert.equal(innerPools({ ...POOLS, pool4: '10.0.0.0/24' }).hosts, 255);
  assert.equal(innerPools({ pool4: '10.0.0.0/24', pool6: 'fd00::/124' }).hosts, 16);
  assert.equal(innerPools({ ...POOLS, pool4: '10.0.0.0/8' }).hosts, 4_194_304);
});

test('what is no network is no pool', () => {
  for (const pool4 of ['', '10.64.0.0', '10.64.0.0/', '10.64.0.0/33', '10.64.0.0/x', 'fd00::/64', '10.64.0/18'])
    assert.throws(() => innerPools({ ...POOLS, pool4 }), RangeError, pool4);
  for (const pool6 of ['10.64.0.0/18', 'fd00::/129', 'fd00::'])
    assert.throws(() => innerPools({ ...POOLS, pool6 }), RangeError, pool6);
});
