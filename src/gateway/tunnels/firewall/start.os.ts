// SPDX-License-Identifier: AGPL-3.0-or-later

import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FIREWALL_FILE, SYSCTL_FILE } from '../../../contracts/plan/firewall/render.ts';
import { GATEWAY_FILES, type GatewayPlan } from '../../../contracts/plan/plan.ts';
import type { Namespace } from '../../../host/namespaces/namespace.os.ts';
import { type Child, orStop, run } from '../../../host/processes/process.os.ts';
import { untilReady } from '../../../host/processes/ready.os.ts';
import { type DaemonOptions, makeSocketDirectory, unprivileged } from '../unprivileged.ts';

/**
 * Puts the rendered ruleset and kernel settings in force and gives the gateway its service addresses. The rules come
 * first: at no moment does the gateway forward without them. Runs as root, before any daemon; repeating it is harmless.
 * `directory` holds the rendered files, as seen from inside.
 */
export async function raiseFirewall(
  namespace: Pick<Namespace, 'run'>,
  plan: GatewayPlan,
  directory: string,
): Promise<void> {
  await namespace.run(['nft', '--file', `${directory}/${FIREWALL_FILE}`]);
  await namespace.run(['sysctl', '--quiet', '--load', `${directory}/${SYSCTL_FILE}`]);
  await namespace.run(['ip', 'address', 'replace', `${plan.service4}/32`, 'dev', 'lo']);
  await namespace.run(['ip', 'address', 'replace', `${plan.service6}/128`, 'dev', 'lo', 'nodad']);
}

const SOURCES = ['flows.c', '../netlink.c'].map((name) => fileURLToPath(new URL(name, import.meta.url)));

/** Compiles the program that makes the kernel forget flows (see flows.c). The gateway image uses its locked compiler. */
export async function compileFlows(program: string, ...flags: readonly string[]): Promise<string> {
  await run(['gcc', '-O2', '-Wall', '-Wextra', '-Werror', ...flags, '-o', program, ...SOURCES]);
  return program;
}

/**
 * Starts that program as the agent's user, for whom alone its socket is. It keeps CAP_NET_ADMIN, so the agent cannot look
 * into it.
 */
export async function startFlows(
  namespace: Pick<Namespace, 'run' | 'spawn'>,
  program: string,
  options: Omit<DaemonOptions, 'agentGroup'> = {},
): Promise<Child> {
  const { flowsSocket } = GATEWAY_FILES;
  const owner = options.user === undefined ? {} : { user: options.user, agentGroup: options.user.gid };
  await makeSocketDirectory(namespace, dirname(flowsSocket), owner);
  const child = await namespace.spawn([program, flowsSocket], unprivileged(options, 'net_admin'));
  const listens = () =>
    namespace.run(['test', '-S', flowsSocket]).then(
      () => true,
      () => false,
    );
  await orStop(child, () => untilReady(child, 'flows', listens));
  return child;
}
