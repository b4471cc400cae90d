// SPDX-License-Identifier: AGPL-3.0-or-later
import { GATEWAY_FILES } from '../../../contracts/plan/plan.ts';
import { WIREGUARD_PLANNED } from '../../../contracts/plan/wireguard/protocol.ts';
import type { TunnelProtocol } from '../protocol.ts';
import { WIREGUARD_JUDGE } from './nologging.ts';

export const WIREGUARD: TunnelProtocol<'wireguard'> = {
  ...WIREGUARD_PLANNED,
  program: 'wireguard-go',
  user: 'agent',
  judge: WIREGUARD_JUDGE,
  /** Its socket is for its own user alone, and a Go program cannot be made to wipe what it frees. */
  async start({ namespace, directory, options: { env: _wipes, agentGroup: _theirs, ...options } }) {
    const { startWireGuard } = await import('./start.os.ts');
    return await startWireGuard(namespace, directory, options);
  },
  async adapter() {
    const { WireGuardAdapter } = await import('./adapter.os.ts');
    return ({ wireguardIdle, ...parts }) =>
      new WireGuardAdapter({
        ...parts,
        idleAfter: wireguardIdle,
        socket: GATEWAY_FILES.wireguardSocket,
        tunnel: parts.plan.tunnels.wireguard,
      });
  },
};
