// SPDX-License-Identifier: AGPL-3.0-or-later

import { GATEWAY_FILES } from '../../contracts/plan/plan.ts';
import { Ikev2Adapter } from '../tunnels/ikev2/adapter.os.ts';
import { OpenvpnAdapter } from '../tunnels/openvpn/adapter.os.ts';
import { WireGuardAdapter } from '../tunnels/wireguard/adapter.os.ts';
import type { Tunnel, TunnelParts } from './tunnel.ts';

/**
 * Every tunnel of a gateway, each at its daemon's socket. `secret` is what the agent shares with charon, `idleAfter` the
 * milliseconds without a handshake after which a WireGuard client is gone.
 */
export function gatewayTunnels(parts: TunnelParts, secret: Uint8Array, idleAfter: number): Tunnel[] {
  return [
    new OpenvpnAdapter({ ...parts, protocol: 'openvpn-udp', path: GATEWAY_FILES.openvpnUdpSocket }),
    new OpenvpnAdapter({ ...parts, protocol: 'openvpn-tcp', path: GATEWAY_FILES.openvpnTcpSocket }),
    new Ikev2Adapter({ ...parts, secret }),
    new WireGuardAdapter({
      ...parts,
      idleAfter,
      socket: GATEWAY_FILES.wireguardSocket,
      tunnel: parts.plan.tunnels.wireguard,
    }),
  ];
}
