// SPDX-License-Identifier: AGPL-3.0-or-later
import { GATEWAY_FILES, type GatewayPlan } from '../plan.ts';

/** OpenVPN over either transport. Each is a daemon of its own, with a pool and a management socket of its own. */
export type OpenvpnProtocol = 'openvpn-udp' | 'openvpn-tcp';

/** Seconds after which a client that answers nothing is taken for gone; the server waits twice as long. */
export interface KeepAlive {
  readonly ping: number;
  readonly restart: number;
}

/** One OpenVPN server, as far as gateways may differ. What is the same on all of them is in the renderer. */
export interface OpenvpnServer {
  readonly protocol: OpenvpnProtocol;
  readonly device: string;
  readonly port: number;
  /** `undefined` listens on every address, IPv6 too. */
  readonly local: string | undefined;
  /** `10.64.0.0 255.255.192.0` */
  readonly pool4: string;
  readonly pool6: string;
  readonly managementSocket: string;
  /** Where names are resolved inside the tunnel. */
  readonly resolver4: string;
  readonly resolver6: string;
  readonly keepAlive: KeepAlive;
}

/** The server of a plan for one transport. */
export function openvpnServer(plan: GatewayPlan, protocol: OpenvpnProtocol): OpenvpnServer {
  const tunnel = plan.tunnels[protocol];
  return {
    protocol,
    device: tunnel.device,
    port: tunnel.port,
    local: plan.address6 === undefined ? plan.listen4 : undefined,
    pool4: dotted(tunnel.pool4),
    pool6: tunnel.pool6,
    managementSocket: managementSocket(protocol),
    resolver4: plan.service4,
    resolver6: plan.service6,
    keepAlive: { ping: 10, restart: 60 },
  };
}

export function managementSocket(protocol: OpenvpnProtocol): string {
  return protocol === 'openvpn-udp' ? GATEWAY_FILES.openvpnUdpSocket : GATEWAY_FILES.openvpnTcpSocket;
}

/** `10.64.0.0/18` as OpenVPN writes it: `10.64.0.0 255.255.192.0`. */
function dotted(pool: string): string {
  const [network = '', prefix = ''] = pool.split('/');
  const mask = 2 ** 32 - 2 ** (32 - Number(prefix));
  return `${network} ${[24, 16, 8, 0].map((shift) => (mask >>> shift) & 0xff).join('.')}`;
}
