// SPDX-License-Identifier: AGPL-3.0-or-later
import type { GatewayPlan, RenderedFile, TunnelPlan } from './plan.ts';

/** Ports on the public address. */
export interface OuterPorts {
  readonly udp: readonly number[];
  readonly tcp: readonly number[];
}

/**
 * What both sides of the wall know of a protocol: control renders what it expects of a gateway, and opens no tunnel. How
 * its daemon is judged, started and spoken with is the gateway's half.
 */
export interface PlannedProtocol<Name extends string = string> {
  /** As written in usage events and in the plan. */
  readonly name: Name;
  readonly ports: (tunnel: TunnelPlan) => OuterPorts;
  /**
   * Which packets are let in at its UDP ports, in words of nftables; without it, all of them. What could not be its
   * protocol should not reach its daemon.
   */
  readonly admits?: (tunnel: TunnelPlan) => readonly string[];
  /** How nftables knows a packet that came out of the tunnel, where that is not by the tunnel's device. */
  readonly arrival?: (plan: GatewayPlan) => string | undefined;
  /** And one that is about to go into it. */
  readonly departure?: (plan: GatewayPlan) => string | undefined;
  /** The user whose sockets alone send from its UDP ports; undefined where the kernel does. */
  readonly sender?: (plan: GatewayPlan) => number | undefined;
  readonly render: (plan: GatewayPlan) => RenderedFile[];
}
