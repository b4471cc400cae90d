// SPDX-License-Identifier: AGPL-3.0-or-later
import { dirname } from 'node:path';
import { CONNECTIONS_FILE, DAEMON_FILE } from '../../../contracts/plan/ikev2/render.ts';
import { GATEWAY_FILES } from '../../../contracts/plan/plan.ts';
import type { Namespace } from '../../../host/namespaces/namespace.os.ts';
import { type Child, orStop } from '../../../host/processes/process.os.ts';
import { untilReady } from '../../../host/processes/ready.os.ts';
import { type DaemonOptions, makeSocketDirectory, unprivileged } from '../unprivileged.ts';

const CHARON = '/usr/lib/ipsec/charon';
const RIGHTS = ['net_admin', 'net_bind_service', 'net_raw'] as const;
/** Fixed when charon was built, and the reason why each gateway needs a /run of its own. */
const PID_FILE = '/run/charon.pid';

/**
 * Starts charon and loads the rendered connections and the server's key. A program that reaches its vici socket may end
 * sessions and read who is connected: so the socket is in a directory that only the agent's group may enter, and
 * belongs to that group before this resolves. The keys must be readable by the daemon's user. `directory` holds the
 * rendered files.
 */
export async function startCharon(
  namespace: Pick<Namespace, 'run' | 'spawn'>,
  directory: string,
  options: DaemonOptions = {},
): Promise<Child> {
  const { user, agentGroup = 0, env } = options;
  await makeSocketDirectory(namespace, dirname(GATEWAY_FILES.viciSocket), options);
  await preparePidFile(namespace, user?.uid ?? 0);
  const child = await namespace.spawn(
    [CHARON, '--use-syslog'],
    unprivileged({ ...options, env: { ...env, STRONGSWAN_CONF: `${directory}/${DAEMON_FILE}` } }, ...RIGHTS),
  );
  await orStop(child, async () => {
    await listening(namespace, child, GATEWAY_FILES.viciSocket);
    await loadConnections(namespace, directory);
    // charon made it for its owner and its group. In charon's directory, root follows no link.
    await namespace.run(['chgrp', '--no-dereference', String(agentGroup), GATEWAY_FILES.viciSocket]);
  });
  return child;
}

/** charon does not start where it cannot write its own number, and cannot make a file in /run unless it is root. */
async function preparePidFile(namespace: Pick<Namespace, 'run'>, uid: number): Promise<void> {
  await namespace.run(['install', '--owner', String(uid), '--mode', '600', '/dev/null', PID_FILE]);
}

/** swanctl looks for keys in a directory of that name beside its file and nowhere else. */
async function loadConnections(namespace: Pick<Namespace, 'run'>, directory: string): Promise<void> {
  await namespace.run(['mkdir', '--parents', `${directory}/private`]);
  await namespace.run(['ln', '--symbolic', '--force', GATEWAY_FILES.serverKey, `${directory}/private/server.key`]);
  await namespace.run(
    ['swanctl', '--load-all', '--noprompt', '--file', `${directory}/${CONNECTIONS_FILE}`, '--uri', VICI],
    { env: { STRONGSWAN_CONF: `${directory}/${DAEMON_FILE}` } },
  );
}

const VICI = `unix://${GATEWAY_FILES.viciSocket}`;

/** The file is there before anybody listens, so it is not enough to look for that. */
async function listening(namespace: Pick<Namespace, 'run'>, child: Child, path: string): Promise<void> {
  await untilReady(child, 'charon', async () => listensIn(await namespace.run(['cat', '/proc/net/unix']), path));
}

/** The fourth column holds flags; this one marks a socket that accepts connections. */
const ACCEPTING = '00010000';

export function listensIn(sockets: string, path: string): boolean {
  return sockets.split('\n').some((line) => line.split(/\s+/)[3] === ACCEPTING && line.endsWith(` ${path}`));
}
