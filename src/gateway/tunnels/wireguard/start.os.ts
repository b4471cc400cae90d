// SPDX-License-Identifier: AGPL-3.0-or-later
import { dirname } from 'node:path';
import { GATEWAY_FILES } from '../../../contracts/plan/plan.ts';
import { WIREGUARD_FILE } from '../../../contracts/plan/wireguard/render.ts';
import type { Namespace } from '../../../host/namespaces/namespace.os.ts';
import { type Child, orStop } from '../../../host/processes/process.os.ts';
import { untilReady } from '../../../host/processes/ready.os.ts';
import { type DaemonOptions, makeSocketDirectory, unprivileged } from '../unprivileged.ts';

/**
 * Starts wireguard-go with the rendered settings and the private key in {@link GATEWAY_FILES}, and brings its interface
 * up. `directory` holds the rendered file. `user` is the agent's: wireguard-go makes its socket for its own user alone,
 * and ends itself when anybody changes the socket's mode. It keeps CAP_NET_ADMIN, so the agent cannot look into it.
 *
 * wireguard-go is for machines whose kernel has no WireGuard, which means development: a Go program cannot be made to
 * wipe what it frees, so customers' keys and addresses stay in its memory after they have left.
 */
export async function startWireGuard(
  namespace: Pick<Namespace, 'run' | 'spawn'>,
  directory: string,
  options: Omit<DaemonOptions, 'agentGroup'> = {},
): Promise<Child> {
  const settings = environmentOf(await namespace.run(['cat', `${directory}/${WIREGUARD_FILE}`]));
  const value = (key: string) => settings.get(`WG_${key}`) ?? '';
  const device = value('DEVICE');
  await makeSocketDirectory(namespace, dirname(GATEWAY_FILES.wireguardSocket), options);
  const env = { ...Object.fromEntries(settings), ...options.env };
  const child = await namespace.spawn(['wireguard-go', '-f', device], unprivileged({ ...options, env }, 'net_admin'));
  await orStop(child, async () => {
    await untilReady(child, 'wireguard-go', () => exists(namespace, GATEWAY_FILES.wireguardSocket));
    const { wireguardKey } = GATEWAY_FILES;
    await namespace.run(['wg', 'set', device, 'listen-port', value('LISTEN_PORT'), 'private-key', wireguardKey]);
    await namespace.run(['ip', 'address', 'add', value('ADDRESS4'), 'dev', device]);
    await namespace.run(['ip', 'address', 'add', value('ADDRESS6'), 'dev', device, 'nodad']);
    await namespace.run(['ip', 'link', 'set', device, 'mtu', value('MTU'), 'up']);
  });
  return child;
}

/** The `KEY=value` lines of a rendered environment. */
function environmentOf(content: string): Map<string, string> {
  const lines = content.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line): [string, string] => [line.replace(/=.*/, ''), line.replace(/^[^=]*=/, '')]));
}

async function exists(namespace: Pick<Namespace, 'run'>, path: string): Promise<boolean> {
  return (await namespace.run(['sh', '-c', `test -S ${path} && echo yes || echo no`])).startsWith('yes');
}
