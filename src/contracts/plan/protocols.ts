// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Protocol } from '../../core/sessions/session.ts';
import { IKEV2_PLANNED } from './ikev2/protocol.ts';
import { OPENVPN_TCP_PLANNED, OPENVPN_UDP_PLANNED } from './openvpn/protocol.ts';
import type { GatewayPlan, TunnelPlan } from './plan.ts';
import type { OuterPorts, PlannedProtocol } from './protocol.ts';
import { WIREGUARD_PLANNED } from './wireguard/protocol.ts';

/** The compiler wants a protocol for each word that a usage event may carry, and for no other. */
const BY_NAME: { readonly [Name in Protocol]: PlannedProtocol<Name> } = {
  'openvpn-udp': OPENVPN_UDP_PLANNED,
  'openvpn-tcp': OPENVPN_TCP_PLANNED,
  ikev2: IKEV2_PLANNED,
  wireguard: WIREGUARD_PLANNED,
};

/** Every protocol of a gateway, as far as its plan goes. */
export const PLANNED_PROTOCOLS: readonly PlannedProtocol[] = Object.values(BY_NAME);

/** The part of a plan that belongs to a protocol. Throws a RangeError when the plan has none for it. */
export function tunnelOf(plan: Pick<GatewayPlan, 'tunnels'>, { name }: Pick<PlannedProtocol, 'name'>): TunnelPlan {
  const tunnels: Readonly<Record<string, TunnelPlan>> = plan.tunnels;
  const tunnel = Object.hasOwn(tunnels, name) ? tunnels[name] : undefined;
  if (tunnel === undefined) throw new RangeError(`the plan has no tunnel for ${name}`);
  return tunnel;
}

/** Every port on which customers come in. */
export function outerPorts(
  plan: Pick<GatewayPlan, 'tunnels'>,
  protocols: readonly PlannedProtocol[] = PLANNED_PROTOCOLS,
): OuterPorts {
  const ports = protocols.map((protocol) => protocol.ports(tunnelOf(plan, protocol)));
  return { udp: ports.flatMap(({ udp }) => udp), tcp: ports.flatMap(({ tcp }) => tcp) };
}
