// SPDX-License-Identifier: AGPL-3.0-or-later

import { USES } from '../hunt/pages.ts';
import type { Remainder } from '../hunt/remainder.ts';
import type { Allowance, Expectation, Finding } from '../hunt/verdict.ts';

const PROTOCOLS = ['openvpn', 'ikev2', 'wireguard'] as const;
const everyone = (marker: string) => PROTOCOLS.map((protocol) => `${protocol} ${marker}`);

/** While customers are connected, these parts of their gateway's machine must know them, or the search is blind. */
export const EXPECTED_IN_MACHINE: readonly Expectation[] = [
  { place: 'lethe-openvpn-udp memory', marker: 'openvpn source address' },
  { place: 'lethe-openvpn-udp memory', marker: 'openvpn source port' },
  { place: 'lethe-openvpn-udp memory', marker: 'VPN username' },
  { place: 'lethe-charon memory', marker: 'ikev2 source address' },
  { place: 'lethe-charon memory', marker: 'VPN username' },
  ...everyone('DNS name').map((marker) => ({ place: 'lethe-resolver memory', marker })),
  { place: USES.slab, marker: 'wireguard source address' },
  { place: USES.slab, marker: 'ikev2 source address' },
  { place: USES.slab, marker: 'WireGuard public key' },
];

export const ALLOWED_IN_MACHINE: readonly Allowance[] = [USES.slab, 'lethe-agent memory', 'lethe-wireguard memory'].map(
  (place) => ({
    place,
    marker: 'WireGuard public key',
    because: 'declared as database.devices.public_key; the auth file carries it to gateways, whether or not it is used',
  }),
);

interface Kind {
  readonly place: string;
  readonly markers: readonly string[];
  readonly most: number;
  readonly because: string;
}

/**
 * What a machine with no other customers still holds a minute after its customers left. `most` leaves room: how much is
 * on a stack or in a card's ring differs from run to run.
 */
const KINDS: readonly Kind[] = [
  {
    place: 'lethe-openvpn-udp memory',
    markers: ['openvpn source address', 'openvpn source port', 'openvpn URL path', 'openvpn destination'],
    most: 3,
    because: "OpenVPN keeps the last packet and its sender in fixed buffers until the next customer's",
  },
  {
    place: USES.other,
    markers: [...everyone('source address'), ...everyone('source port'), ...everyone('destination')],
    most: 12,
    because: 'the kernel does not wipe the dead part of its stacks; later calls overwrite it',
  },
  {
    place: USES.fragments,
    markers: [...everyone('source address'), ...everyone('source port'), ...everyone('destination')],
    most: 12,
    because: 'a network card keeps the packets it received last until others arrive in their place',
  },
  // Not met after a minute so far, but it is in packets as well, and which of them is overwritten last is chance.
  ...[USES.other, USES.fragments].map((place) => ({
    place,
    markers: everyone('URL path'),
    most: 4,
    because: 'the same, with the request for the last page',
  })),
  {
    place: USES.slab,
    markers: everyone('destination'),
    most: 6,
    because: 'ended flows are reused before they are wiped (SLAB_TYPESAFE_BY_RCU); others overwrite them',
  },
  {
    place: USES.slab,
    markers: ['WireGuard public key'],
    most: 6,
    because: 'the peer of a device that may connect; see above',
  },
];

/** The list that the machine's memory is held to. */
export const REMAINDERS: readonly Remainder[] = KINDS.flatMap(({ markers, ...kind }) =>
  markers.map((marker) => ({ ...kind, marker })),
);

/** The four bytes of an address, which may occur somewhere without ever having been the address. */
export function mayBeChance({ marker, encoding, count }: Finding): boolean {
  return count === 1 && /address|destination/.test(marker) && encoding.startsWith('binary-');
}
