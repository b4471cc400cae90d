// SPDX-License-Identifier: AGPL-3.0-or-later
import type { PlannedProtocol } from '../protocol.ts';
import { render } from './render.ts';

/** Where customers behind a NAT send everything (RFC 3948). */
const NAT_PORT = 4500;

export const IKEV2_PLANNED: PlannedProtocol<'ikev2'> = {
  name: 'ikev2',
  ports: ({ port }) => ({ udp: [port, NAT_PORT], tcp: [] }),
  /** Where the kernel carries ESP, its customers' packets appear on the uplink itself, marked as decrypted. */
  arrival: ({ esp, uplink }) => (esp === 'kernel' ? `iifname "${uplink}" meta ipsec exists` : undefined),
  departure: ({ esp, uplink }) => (esp === 'kernel' ? `oifname "${uplink}" rt ipsec exists` : undefined),
  /** Behind a NAT, ESP is in packets of the kernel from the same port. */
  sender: ({ esp, users }) => (esp === 'kernel' ? undefined : users.charon),
  render: (plan) => render(plan),
};
