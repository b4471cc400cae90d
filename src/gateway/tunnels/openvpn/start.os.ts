// SPDX-License-Identifier: AGPL-3.0-or-later
import { dirname } from 'node:path';
import { configurationName } from '../../../contracts/plan/openvpn/render.ts';
import { managementSocket, type OpenvpnProtocol } from '../../../contracts/plan/openvpn/server.ts';
import type { Namespace } from '../../../host/namespaces/namespace.os.ts';
import type { Child } from '../../../host/processes/process.os.ts';
import { type DaemonOptions, makeSocketDirectory, unprivileged } from '../unprivileged.ts';

/**
 * Starts one OpenVPN server of a gateway. Anybody who reaches its management socket may admit clients, and OpenVPN lets
 * everybody connect to it: so it is in a directory of its own that only the agent's group may enter. The keys must be
 * readable by the daemon's user. `directory` holds the rendered file.
 */
export async function startOpenvpn(
  namespace: Pick<Namespace, 'run' | 'spawn'>,
  protocol: OpenvpnProtocol,
  directory: string,
  options: DaemonOptions = {},
): Promise<Child> {
  await makeSocketDirectory(namespace, dirname(managementSocket(protocol)), options);
  return await namespace.spawn(
    ['openvpn', '--config', `${directory}/${configurationName(protocol)}`],
    unprivileged(options, 'net_admin', 'net_bind_service'),
  );
}
