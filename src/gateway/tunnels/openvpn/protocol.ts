// SPDX-License-Identifier: AGPL-3.0-or-later
import { OPENVPN_TCP_PLANNED, OPENVPN_UDP_PLANNED } from '../../../contracts/plan/openvpn/protocol.ts';
import { managementSocket, type OpenvpnProtocol } from '../../../contracts/plan/openvpn/server.ts';
import type { PlannedProtocol } from '../../../contracts/plan/protocol.ts';
import type { TunnelProtocol } from '../protocol.ts';
import { OPENVPN_JUDGE } from './nologging.ts';

/** Each transport is a protocol with a daemon of its own. One judge knows the files of both. */
export const OPENVPN_UDP = openvpn(OPENVPN_UDP_PLANNED);
export const OPENVPN_TCP = openvpn(OPENVPN_TCP_PLANNED);

function openvpn<Name extends OpenvpnProtocol>(planned: PlannedProtocol<Name>): TunnelProtocol<Name> {
  const { name } = planned;
  return {
    ...planned,
    program: name,
    user: 'openvpn',
    judge: OPENVPN_JUDGE,
    async start({ namespace, directory, options }) {
      const { startOpenvpn } = await import('./start.os.ts');
      return await startOpenvpn(namespace, name, directory, options);
    },
    async adapter() {
      const { OpenvpnAdapter } = await import('./adapter.os.ts');
      return (parts) => new OpenvpnAdapter({ ...parts, protocol: name, path: managementSocket(name) });
    },
  };
}
