// SPDX-License-Identifier: AGPL-3.0-or-later
import type { GatewayPlan, RenderedFile, TunnelPlan } from '../plan.ts';
import { innerAddresses } from '../pool.ts';

export const WIREGUARD_FILE = 'wireguard.env';

/** Largest packet inside the tunnel that fits 1500 bytes outside: 40 of IPv6, 8 of UDP, 32 of WireGuard. */
const MTU = 1420;

/**
 * What wireguard-go is started with: its environment, and the settings of its interface beside it. Peers come from the
 * auth file and are in no file of the gateway.
 */
export function render(plan: GatewayPlan): RenderedFile[] {
  const { wireguard } = plan.tunnels;
  const settings = { ...SILENT, ...interfaceSettings(wireguard) };
  const content = Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
  return [{ name: WIREGUARD_FILE, content }];
}

/** No messages, and after a crash no stack, whose arguments may be a customer's. */
const SILENT = { LOG_LEVEL: 'silent', GOTRACEBACK: 'none' };

function interfaceSettings(tunnel: TunnelPlan): Record<string, string> {
  const [address4, address6] = innerAddresses(tunnel, 1);
  return {
    WG_DEVICE: tunnel.device,
    WG_LISTEN_PORT: String(tunnel.port),
    WG_ADDRESS4: `${address4}/${tunnel.pool4.split('/')[1]}`,
    WG_ADDRESS6: `${address6}/${tunnel.pool6.split('/')[1]}`,
    WG_MTU: String(MTU),
  };
}
