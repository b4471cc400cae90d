// SPDX-License-Identifier: AGPL-3.0-or-later
import type { InnerAddresses } from '../../core/sessions/inner.ts';
import type { MakeAdapter, Tunnel, TunnelParts, TunnelProtocol } from '../tunnels/protocol.ts';
import { TUNNEL_PROTOCOLS } from '../tunnels/protocols.ts';

/** All tunnels as one: the pools are disjoint, so at most one of them knows an address. */
export function innerAddressesOf(tunnels: readonly Tunnel[]): InnerAddresses {
  return {
    sessionAt(bytes, start, length) {
      for (const tunnel of tunnels) {
        const session = tunnel.sessionAt(bytes, start, length);
        if (session !== undefined) return session;
      }
      return undefined;
    },
  };
}

/** What the agent was told about single tunnels. */
type Told = Omit<Parameters<MakeAdapter>[0], keyof TunnelParts>;

/**
 * Loads the agent's side of every protocol, each at its daemon's socket. To be called before the program gives up root:
 * afterwards it may not be able to read its own files.
 */
export async function loadTunnels(
  told: Told,
  protocols: readonly TunnelProtocol[] = TUNNEL_PROTOCOLS,
): Promise<(parts: TunnelParts) => Tunnel[]> {
  const makers = await Promise.all(protocols.map((protocol) => protocol.adapter()));
  return (parts) => makers.map((make) => make({ ...parts, ...told }));
}
