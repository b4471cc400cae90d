// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Namespace } from '../namespaces/namespace.os.ts';
import type { Child } from '../processes/process.os.ts';

/** A virtual network card of a machine: the tap device in its hull, and the hardware address that the machine sees. */
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
  /** Free address of the same network, from which the hull answers the machine's question for its own. */
  readonly hull4: string;
}

/** The service that a machine belongs to, as its hull reaches it over the cable `control`. */
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

/** `eth0` and `eth1` in the machine, once its hull is cabled. */
export const CARDS: Cabling['cards'] = [UPLINK, CONTROL];

const UPLINK_BRIDGE = 'bridge0';
const CONTROL_BRIDGE = 'bridge1';
const CONTROL_NETWORK = { mask: '255.255.255.252', prefix: 30, machine: '10.67.0.2' } as const;

/**
 * Makes the cards of a virtual machine in its hull: a namespace that has two cables already, `uplink` to the world and
 * `control` to the service. On the first the machine stands itself, under its own address. Behind the other card is
 * nothing but the service's ports at {@link SERVICE_ADDRESS}.
 */
export async function cableMachine(
  hull: Namespace,
  { uplink, service }: { readonly uplink: Uplink; readonly service: Service4 },
): Promise<Cabling> {
  await bridgeUplink(hull, uplink);
  await routeControl(hull, service);
  return {
    cards: CARDS,
    dhcp: await startDhcp(hull, uplink),
    async signs() {
      const seen = await counted(hull);
      return {
        addressed: seen.has(ADDRESSED),
        answered: new Set(service.ports.filter((port) => seen.has(answered(port)))),
      };
    },
    forget: async () => void (await hull.run(['nft', 'reset', 'counters', 'table', 'ip', 'cabling'])),
  };
}

/** Names of counters in the hull's rules. */
const ADDRESSED = 'addressed';
const answered = (port: number) => `answered-${port}`;

/** The counters that have counted a packet. */
async function counted(hull: Namespace): Promise<Set<string>> {
  const listed = JSON.parse(await hull.run(['nft', '--json', 'list', 'counters', 'table', 'ip', 'cabling'])) as {
    readonly nftables: readonly { readonly counter?: { readonly name: string; readonly packets: number } }[];
  };
  return new Set(listed.nftables.flatMap(({ counter }) => (counter?.packets ? [counter.name] : [])));
}

/** A switch in the hull with the machine's card on it; what else stands on it is the caller's. */
async function bridge(hull: Namespace, card: Card, name: string, address: string): Promise<void> {
  await hull.run(['ip', 'link', 'add', name, 'type', 'bridge']);
  await hull.run(['ip', 'tuntap', 'add', card.tap, 'mode', 'tap']);
  await hull.run(['ip', 'link', 'set', card.tap, 'master', name, 'up']);
  await hull.run(['ip', 'addr', 'add', address, 'dev', name]);
  await hull.run(['ip', 'link', 'set', name, 'up']);
}

/** What the cable had been given belongs to the machine. */
async function bridgeUplink(hull: Namespace, { hull4, prefix }: Uplink): Promise<void> {
  await bridge(hull, UPLINK, UPLINK_BRIDGE, `${hull4}/${prefix}`);
  await hull.run(['ip', 'addr', 'flush', 'dev', 'uplink']);
  await hull.run(['ip', 'link', 'set', 'uplink', 'master', UPLINK_BRIDGE]);
}

async function routeControl(hull: Namespace, service: Service4): Promise<void> {
  await bridge(hull, CONTROL, CONTROL_BRIDGE, `${SERVICE_ADDRESS}/${CONTROL_NETWORK.prefix}`);
  await hull.run(['nft', '-f', '-'], { stdin: controlRules(service) });
  await hull.run(['sysctl', '-q', '-w', 'net.ipv4.ip_forward=1']);
}

/** Some kernels show bridged packets to these rules as well; they are not the hull's business. */
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

/** dnsmasq(8), for these two cards and nobody else, without names and without a file of leases. */
async function startDhcp(hull: Namespace, uplink: Uplink): Promise<Child> {
  const lease = (card: Card, network: string, mask: string, address: string) => [
    `--dhcp-range=set:${card.tap},${network},static,${mask},1h`,
    `--dhcp-host=${card.mac},${address}`,
  ];
  return await hull.spawn([
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
    ...lease(UPLINK, uplink.hull4, maskOf(uplink.prefix), uplink.address4),
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
