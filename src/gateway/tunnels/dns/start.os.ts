// SPDX-License-Identifier: AGPL-3.0-or-later
import { dirname } from 'node:path';
import { RESOLVER_FILE } from '../../../contracts/plan/dns/render.ts';
import { GATEWAY_FILES } from '../../../contracts/plan/plan.ts';
import type { Namespace } from '../../../host/namespaces/namespace.os.ts';
import type { Child } from '../../../host/processes/process.os.ts';
import { type DaemonOptions, makeSocketDirectory, unprivileged } from '../unprivileged.ts';

/**
 * Starts unbound behind the firewall, on service addresses that the firewall's start has given to the gateway. Its
 * control socket is in a directory of its own that belongs to the agent's group. `directory` holds the rendered file.
 */
export async function startResolver(
  namespace: Pick<Namespace, 'run' | 'spawn'>,
  directory: string,
  options: DaemonOptions = {},
): Promise<Child> {
  await makeSocketDirectory(namespace, dirname(GATEWAY_FILES.resolverSocket), options);
  return await namespace.spawn(
    ['unbound', '-d', '-c', `${directory}/${RESOLVER_FILE}`],
    unprivileged(options, 'net_bind_service'),
  );
}
