// SPDX-License-Identifier: AGPL-3.0-or-later

import { FIREWALL_FILE, SYSCTL_FILE } from '../../../contracts/plan/firewall/render.ts';
import type { GatewayPlan } from '../../../contracts/plan/plan.ts';
import type { Namespace } from '../../../host/namespaces/namespace.os.ts';

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
