// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Namespace } from '../../host/namespaces/namespace.os.ts';
import type { SpawnOptions } from '../../host/processes/process.os.ts';

/** Who a daemon runs as, and what its environment holds besides what is rendered. */
export interface DaemonOptions {
  /** Numeric ids of the daemon. Without them it runs as root, as on a development machine. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** The agent's group: it may connect to the daemon's socket. */
  readonly agentGroup?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** The launcher that has the kernel refuse system calls; see `host/processes/filter.os.ts`. */
  readonly filter?: string | undefined;
}

/** How a daemon is started: as its user, who keeps exactly these capabilities. Without a user it stays root. */
export function unprivileged({ user, env, filter }: DaemonOptions, ...capabilities: readonly string[]): SpawnOptions {
  return {
    ...(user === undefined ? {} : { user, rights: capabilities }),
    ...(env === undefined ? {} : { env }),
    ...(filter === undefined ? {} : { filter }),
  };
}

/** A directory for one daemon's socket: the daemon makes it there, and it belongs to the agent's group from birth. */
export async function makeSocketDirectory(
  namespace: Pick<Namespace, 'run'>,
  path: string,
  { user, agentGroup }: DaemonOptions,
): Promise<void> {
  const owner = ['--owner', String(user?.uid ?? 0), '--group', String(agentGroup ?? 0)];
  await namespace.run(['install', '--directory', ...owner, '--mode', '2750', path]);
}
