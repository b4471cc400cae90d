// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Finding } from '../hunt/verdict.ts';
import { mayBeChance, REMAINDERS } from './residue.ts';

const finding: Finding = {
  phase: '+60 s',
  place: 'page tables',
  marker: 'ikev2 source address',
  encoding: 'binary-le',
  count: 1,
  at: '0x1000',
};

test('the four bytes of an address, met once, may be chance; nothing longer, and nothing twice', () => {
  assert.ok(mayBeChance(finding) && mayBeChance({ ...finding, marker: 'openvpn destination' }));
  for (const change of [{ count: 2 }, { encoding: 'ascii' }, { marker: 'WireGuard public key' }] as const) {
    assert.equal(mayBeChance({ ...finding, ...change }), false);
  }
});

test('what may be left is no name, no password, no secret key', () => {
  const markers = REMAINDERS.map(({ marker }) => marker.replace(/^(?:openvpn|ikev2|wireguard) /, ''));
  const allowed = ['URL path', 'WireGuard public key', 'destination', 'source address', 'source port'];
  assert.deepEqual([...new Set(markers)].toSorted(), allowed);
});
