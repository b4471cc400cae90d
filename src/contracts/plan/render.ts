// SPDX-License-Identifier: AGPL-3.0-or-later
import { render as renderResolver } from './dns/render.ts';
import { render as renderFirewall } from './firewall/render.ts';
import { render as renderIkev2 } from './ikev2/render.ts';
import { render as renderOpenvpn } from './openvpn/render.ts';
import type { GatewayPlan, RenderedFile } from './plan.ts';
import { render as renderWireguard } from './wireguard/render.ts';

/** Every configuration file of a gateway. Control compares their digests with what lies on the gateway (S10). */
export function renderGateway(plan: GatewayPlan): RenderedFile[] {
  return [
    ...renderFirewall(plan),
    ...renderResolver(plan),
    ...renderOpenvpn(plan),
    ...renderIkev2(plan),
    ...renderWireguard(plan),
  ];
}
