// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync, writeFileSync } from 'node:fs';
import type { GatewayPlan } from '../contracts/plan/plan.ts';
import type { PlannedProtocol } from '../contracts/plan/protocol.ts';
import { outerPorts } from '../contracts/plan/protocols.ts';
import { run } from '../host/processes/process.os.ts';

/** Where the cable from the gateway ends: the machine itself, or a namespace that stands for it. */
export interface UplinkEnd {
  run(argv: readonly string[], stdin?: string): Promise<string>;
  readForwarding(): Promise<string>;
  writeForwarding(value: string): Promise<void>;
}

/** The machine itself. Its forwarding switch is this file. */
export function machine(forwarding = '/proc/sys/net/ipv4/ip_forward'): UplinkEnd {
  return {
    run: (argv, stdin) => run(argv, stdin === undefined ? {} : { stdin }),
    readForwarding: async () => readFileSync(forwarding, 'utf8').trim(),
    writeForwarding: async (value) => writeFileSync(forwarding, value),
  };
}

export interface Publication {
  /** Address of this machine that customers reach. */
  readonly publicAddress: string;
  /** Address of the gateway at its end of the cable. */
  readonly gatewayAddress: string;
  readonly plan: GatewayPlan;
}

/** Name of the one firewall table that publishing adds to the machine. */
export const TABLE = 'lethe';

/**
 * The machine's own rules: tunnel packets for the public address go to the gateway, and what leaves the gateway leaves
 * under the machine's address. Clients' source addresses are not translated on the way in, so the gateway can look
 * their country up; the machine's connection tracking holds them while packets flow.
 */
export function publicationRules(
  { publicAddress, gatewayAddress, plan }: Publication,
  protocols?: readonly PlannedProtocol[],
): string {
  const { udp, tcp } = outerPorts(plan, protocols);
  return `table ip ${TABLE} {
  chain inward {
    type nat hook prerouting priority dstnat
    ip daddr ${publicAddress} udp dport { ${udp.join(', ')} } dnat to ${gatewayAddress}
    ip daddr ${publicAddress} tcp dport { ${tcp.join(', ')} } dnat to ${gatewayAddress}
  }
  chain outward {
    type nat hook postrouting priority srcnat
    ip saddr ${gatewayAddress} masquerade
  }
}
`;
}

/** Opens the gateway to the world through the machine's address. The result takes everything back. */
export async function publish(publication: Publication, end: UplinkEnd = machine()): Promise<() => Promise<void>> {
  const forwarding = await end.readForwarding();
  await end.run(['nft', '-f', '-'], publicationRules(publication));
  if (forwarding !== '1') await end.writeForwarding('1');
  return async () => {
    await end.run(['nft', 'delete', 'table', 'ip', TABLE]);
    if (forwarding !== '1') await end.writeForwarding(forwarding);
  };
}
