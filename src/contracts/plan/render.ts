// SPDX-License-Identifier: AGPL-3.0-or-later
import { render as renderResolver } from './dns/render.ts';
import { render as renderFirewall } from './firewall/render.ts';
import type { GatewayPlan, RenderedFile } from './plan.ts';
import type { PlannedProtocol } from './protocol.ts';
import { PLANNED_PROTOCOLS } from './protocols.ts';

/** Every configuration file of a gateway. Control compares their digests with those on the gateway. */
export function renderGateway(
  plan: GatewayPlan,
  protocols: readonly PlannedProtocol[] = PLANNED_PROTOCOLS,
): RenderedFile[] {
  return [
    ...renderFirewall(plan, protocols),
    ...renderResolver(plan),
    ...protocols.flatMap((protocol) => protocol.render(plan)),
  ];
}
