// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Namespace } from '../namespaces/namespace.os.ts';
import type { Child } from '../processes/process.os.ts';

/** A virtual network card: the tap device in the namespace around the machine, and the hardware address that it sees. */
export interface Card {
  readonly tap: string;
  readonly mac: string;
}

/** How a machine is reached from the world: its own address, whom it sends everything to, and what its network spans. */
export interface Uplink {
  readonly address4: string;
  /** Length of the network's prefix, 0 to 32. */
  readonly prefix: number;
  readonly router4: string;
  /** Free address of the same network, from which the namespace around it answers the machine's question for its own. */
  readonly namespace4: string;
}

/** The service that a machine belongs to, as the namespace around it reaches it over the cable `control`. */
export interface Service4 {
  readonly address4: string;
  /** TCP ports that the machine may use there. */
  readonly ports: readonly number[];
}

/** How far a machine has come, by what it did on its cards. A release says nothing on its console. */
export interface Signs {
  /** It has asked for an address. */
  readonly addressed: boolean;
  /** Ports of the service where it was answered. */
  readonly answered: ReadonlySet<number>;
}

/** The cards of a machine, with the program that tells it its addresses (DHCP, RFC 2131). */
export interface Cabling {
  /** `eth0` and `eth1` in the machine. */
  readonly cards: readonly [uplink: Card, control: Card];
  readonly dhcp: Child;
  /** What the machine has done since it was cabled, or since all was forgotten. */
  signs(): Promise<Signs>;
  /** Before it is powered on again. */
  forget(): Promise<void>;
}

/** Where every machine finds the service, whatever the service's address on this host is. */
export const SERVICE_ADDRESS = '10.67.0.1';

/** Locally administered hardware addresses (IEEE 802c); each is alone on its network. */
const UPLINK: Card = { tap: 'tap0', mac: '52:4c:65:74:68:00' };
const CONTROL: Card = { tap: 'tap1', mac: '52:4c:65:74:68:01' };

/** `eth0` and `eth1` in the machine, once the namespace around it is cabled. */
export const CARDS: Cabling['cards'] = [UPLINK, CONTROL];

const UPLINK_BRIDGE = 'bridge0';
const CONTROL_BRIDGE = 'bridge1';
const CONTROL_NETWORK = { mask: '255.255.255.252', prefix: 30, machine: '10.67.0.2' } as const;

/**
 * Makes the cards of a virtual machine in the namespace around it, which has two cables already: `uplink` to the world
 * and `control` to the service. The first card is on the world's network, under the machine's own address. Behind the
 * other is nothing but the service's ports at {@link SERVICE_ADDRESS}.
 */
export async function cableMachine(
  vmNamespace: Namespace,
  { uplink, service }: { readonly uplink: Uplink; readonly service: Service4 },
): Promise<Cabling> {
  await bridgeUplink(vmNamespace, uplink);
  await routeControl(vmNamespace, service);
  return {
    cards: CARDS,
    dhcp: await startDhcp(vmNamespace, uplink),
    async signs() {
      const seen = await counted(vmNamespace);
      return {
        addressed: seen.has(ADDRESSED),
        answered: new Set(service.ports.filter((port) => seen.has(answered(port)))),
      };
    },
    forget: async () => void (await vmNamespace.run(['nft', 'reset', 'counters', 'table', 'ip', 'cabling'])),
  };
}

/** Names of counters in the rules of the namespace. */
const ADDRESSED = 'addressed';
const answered = (port: number) => `answered-${port}`;

/** The counters that have counted a packet. */
async function counted(vmNamespace: Namespace): Promise<Set<string>> {
  const listed = JSON.parse(await vmNamespace.run(['nft', '--json', 'list', 'counters', 'table', 'ip', 'cabling'])) as {
    readonly nftables: readonly { readonly counter?: { readonly name: string; readonly packets: number } }[];
  };
  return new Set(listed.nftables.flatMap(({ counter }) => (counter?.packets ? [counter.name] : [])));
}

/** A switch in the namespace with the machine's card on it; what else is plugged in is the caller's. */
async function bridge(vmNamespace: Namespace, card: Card, name: string, address: string): Promise<void> {
  await vmNamespace.run(['ip', 'link', 'add', name, 'type', 'bridge']);
  await vmNamespace.run(['ip', 'tuntap', 'add', card.tap, 'mode', 'tap']);
  await vmNamespace.run(['ip', 'link', 'set', card.tap, 'master', name, 'up']);
  await vmNamespace.run(['ip', 'addr', 'add', address, 'dev', name]);
  await vmNamespace.run(['ip', 'link', 'set', name, 'up']);
}

/** What the cable had been given belongs to the machine. */
async function bridgeUplink(vmNamespace: Namespace, { namespace4, prefix }: Uplink): Promise<void> {
  await bridge(vmNamespace, UPLINK, UPLINK_BRIDGE, `${namespace4}/${prefix}`);
  await vmNamespace.run(['ip', 'addr', 'flush', 'dev', 'uplink']);
  await vmNamespace.run(['ip', 'link', 'set', 'uplink', 'master', UPLINK_BRIDGE]);
}

async function routeControl(vmNamespace: Namespace, service: Service4): Promise<void> {
  await bridge(vmNamespace, CONTROL, CONTROL_BRIDGE, `${SERVICE_ADDRESS}/${CONTROL_NETWORK.prefix}`);
  await vmNamespace.run(['nft', '-f', '-'], { stdin: controlRules(service) });
  await vmNamespace.run(['sysctl', '-q', '-w', 'net.ipv4.ip_forward=1']);
}

/** Some kernels show bridged packets to these rules as well; those are not for them. */
function controlRules({ address4, ports }: Service4): string {
  return `table ip cabling {
  ${[ADDRESSED, ...ports.map(answered)].map((name) => `counter ${name} {}`).join('\n  ')}
  chain hear {
    type filter hook input priority filter;
    iifname "${CONTROL_BRIDGE}" udp dport 67 counter name "${ADDRESSED}"
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    iifname "${UPLINK_BRIDGE}" oifname "${UPLINK_BRIDGE}" accept
    ${ports.map((port) => `iifname "${CONTROL_BRIDGE}" ct state established tcp dport ${port} counter name "${answered(port)}"`).join('\n    ')}
    ct state established,related accept
    iifname "${CONTROL_BRIDGE}" ct status dnat accept
  }
  chain arrive {
    type nat hook prerouting priority dstnat;
    iifname "${CONTROL_BRIDGE}" ip daddr ${SERVICE_ADDRESS} tcp dport { ${ports.join(', ')} } dnat to ${address4}
  }
  chain translate {
    type nat hook postrouting priority srcnat;
    oifname "control" masquerade
  }
}
`;
}

/** dnsmasq(8), for these two cards alone, without names and without a file of leases. */
async function startDhcp(vmNamespace: Namespace, uplink: Uplink): Promise<Child> {
  const lease = (card: Card, network: string, mask: string, address: string) => [
    `--dhcp-range=set:${card.tap},${network},static,${mask},1h`,
    `--dhcp-host=${card.mac},${address}`,
  ];
  return await vmNamespace.spawn([
    'dnsmasq',
    '--keep-in-foreground',
    '--conf-file=/dev/null',
    '--port=0',
    '--pid-file=',
    '--leasefile-ro',
    '--log-facility=/dev/null',
    '--bind-interfaces',
    `--interface=${UPLINK_BRIDGE}`,
    `--interface=${CONTROL_BRIDGE}`,
    ...lease(UPLINK, uplink.namespace4, maskOf(uplink.prefix), uplink.address4),
    `--dhcp-option=tag:${UPLINK.tap},3,${uplink.router4}`,
    ...lease(CONTROL, SERVICE_ADDRESS, CONTROL_NETWORK.mask, CONTROL_NETWORK.machine),
    `--dhcp-option=tag:${CONTROL.tap},3`,
  ]);
}

/** `255.255.255.248` for 29. */
export function maskOf(prefix: number): string {
  const bits = prefix === 0 ? 0 : (0xffff_ffff << (32 - prefix)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join('.');
}
