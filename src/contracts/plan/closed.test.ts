// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { BlockList, isIPv6 } from 'node:net';
import { test } from 'node:test';
import { CLOSED4, CLOSED6 } from './closed.ts';

/** A list for each family: an IPv4 address is in an IPv6 network of its own, too. */
const closed = { ipv4: new BlockList(), ipv6: new BlockList() };
for (const [family, networks] of [
  ['ipv4', CLOSED4],
  ['ipv6', CLOSED6],
] as const) {
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    closed[family].addSubnet(address, Number(prefix), family);
  }
}

function isClosed(address: string): boolean {
  const family = isIPv6(address) ? 'ipv6' : 'ipv4';
  return closed[family].check(address, family);
}

/** The first and the last address of what is reserved, by the special-purpose registries of IANA (RFC 6890). */
const RESERVED = [
  ['0.0.0.0', '0.255.255.255', 'this host'],
  ['10.0.0.0', '10.255.255.255', 'private'],
  ['100.64.0.0', '100.127.255.255', 'shared with carriers'],
  ['127.0.0.0', '127.255.255.255', 'loopback'],
  ['169.254.0.0', '169.254.255.255', 'link-local, and the metadata of clouds'],
  ['172.16.0.0', '172.31.255.255', 'private'],
  ['192.0.0.0', '192.0.0.255', 'protocols'],
  ['192.168.0.0', '192.168.255.255', 'private'],
  ['198.18.0.0', '198.19.255.255', 'benchmarks'],
  ['224.0.0.0', '255.255.255.255', 'multicast, reserved and broadcast'],
  ['::', '::1', 'unspecified and loopback'],
  ['::127.0.0.1', '::255.255.255.255', 'an IPv4 address in its old form'],
  ['64:ff9b::', '64:ff9b::ffff:ffff', 'NAT64'],
  ['64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff', 'NAT64 of a network'],
  ['2001::', '2001:0:ffff:ffff:ffff:ffff:ffff:ffff', 'Teredo'],
  ['2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '6to4'],
  ['100::', '100::ffff:ffff:ffff:ffff', 'discard'],
  ['fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'unique local'],
  ['fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'link-local'],
  ['fec0::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'site-local'],
  ['ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'multicast'],
] as const;

test('every network that is not the Internet is closed, from its first address to its last', () => {
  for (const [first, last, what] of RESERVED) {
    assert.ok(isClosed(first), `${first}: ${what}`);
    assert.ok(isClosed(last), `${last}: ${what}`);
  }
  assert.ok((CLOSED6 as readonly string[]).includes('::ffff:0:0/96'), 'an IPv4 address in the form of IPv6');
});

test('what lies beside them is the Internet, and stays open', () => {
  const open = ['1.1.1.1', '9.9.9.9', '100.63.255.255', '100.128.0.0', '172.15.255.255', '172.32.0.0', '198.20.0.0'];
  for (const address of [...open, '223.255.255.255', '2001:db8::1', '2600::', '2001:4860:4860::8888', '2003::1']) {
    assert.equal(isClosed(address), false, address);
  }
});
