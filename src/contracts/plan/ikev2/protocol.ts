// SPDX-License-Identifier: AGPL-3.0-or-later
import type { PlannedProtocol } from '../protocol.ts';
import { render } from './render.ts';

/** Where customers behind a NAT send everything (RFC 3948). */
const NAT_PORT = 4500;

/** Bits of the UDP header. */
const UDP = 64;

/**
 * The header of an IKEv2 message (RFC 7296, section 3.1), `at` bytes into the datagram: it is there whole, the initiator's
 * SPI is not zero, the version is 2.0, and the exchange is one of the four. charon writes the sender's address of anything
 * else into a buffer that is not wiped while it waits.
 */
function message(at: number): string {
  const field = (byte: number, bits: number) => `@th,${UDP + 8 * (at + byte)},${bits}`;
  return `udp length >= ${8 + at + 28} ${field(0, 64)} != 0 ${field(17, 8)} 0x20 ${field(18, 8)} 34-37`;
}

export const IKEV2_PLANNED: PlannedProtocol<'ikev2'> = {
  name: 'ikev2',
  ports: ({ port }) => ({ udp: [port, NAT_PORT], tcp: [] }),
  admits: ({ port }) => [
    `udp dport ${port} ${message(0)}`,
    // Behind four zeros there is a message, and behind anything else a packet of ESP (RFC 3948, section 2).
    `udp dport ${NAT_PORT} @th,${UDP},32 0 ${message(4)}`,
    `udp dport ${NAT_PORT} @th,${UDP},32 != 0`,
  ],
  /** Where the kernel carries ESP, its customers' packets appear on the uplink itself, marked as decrypted. */
  arrival: ({ esp, uplink }) => (esp === 'kernel' ? `iifname "${uplink}" meta ipsec exists` : undefined),
  departure: ({ esp, uplink }) => (esp === 'kernel' ? `oifname "${uplink}" rt ipsec exists` : undefined),
  /** Behind a NAT, ESP is in packets of the kernel from the same port. */
  sender: ({ esp, users }) => (esp === 'kernel' ? undefined : users.charon),
  render: (plan) => render(plan),
};
