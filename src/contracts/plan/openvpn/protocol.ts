// SPDX-License-Identifier: AGPL-3.0-or-later
import type { PlannedProtocol } from '../protocol.ts';
import { renderServer } from './render.ts';
import { type OpenvpnProtocol, openvpnServer } from './server.ts';

/** Each transport is a protocol with a daemon of its own. */
export const OPENVPN_UDP_PLANNED = planned('openvpn-udp', ({ port }) => ({ udp: [port], tcp: [] }));
export const OPENVPN_TCP_PLANNED = planned('openvpn-tcp', ({ port }) => ({ udp: [], tcp: [port] }));

function planned<Name extends OpenvpnProtocol>(name: Name, ports: PlannedProtocol['ports']): PlannedProtocol<Name> {
  return {
    name,
    ports,
    sender: ({ users }) => users.openvpn,
    render: (plan) => [renderServer(openvpnServer(plan, name))],
  };
}
