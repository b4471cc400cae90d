// SPDX-License-Identifier: AGPL-3.0-or-later
import { NAT_PORTS } from '../contracts/plan/firewall/render.ts';
import type { GatewayPlan } from '../contracts/plan/plan.ts';
import type { PlannedProtocol } from '../contracts/plan/protocol.ts';
import { outerPorts, PLANNED_PROTOCOLS } from '../contracts/plan/protocols.ts';

/** The cables of one gateway, as the machine sees them. */
export interface MachineCables {
  /** Everything about this gateway's cables is called after it: `lethe0`. */
  readonly name: string;
  /** Of both cables: `10.66.0.0/24`. */
  readonly network: string;
  /** The machine's end of the cable to control. */
  readonly controlAddress: string;
  /** The gateway's end of the cable to the world. */
  readonly gatewayAddress: string;
}

/** How the gateway is opened to the world. */
export interface Publication {
  /** Address of this machine that customers reach. */
  readonly publicAddress: string;
  readonly plan: GatewayPlan;
  /** A web server of the machine has ports 80 and 443 of the public address. */
  readonly web: boolean;
}

export interface MachineRules {
  readonly cables: MachineCables;
  /** TCP ports of the machine that the gateway's own programs may use; `any` where a proof puts itself between. */
  readonly controlPorts: readonly number[] | 'any';
  /** Resolvers that the operator named. They may be the machine's own. */
  readonly forwarders: readonly string[];
  /** Undefined: only this machine reaches the gateway, and the gateway no other. */
  readonly publication: Publication | undefined;
  /** Whether the machine passed packets on before. Where it did not, it does so for the gateway alone. */
  readonly router: boolean;
}

/** Seconds for which the machine's own connection tracking remembers a flow after its last packet. */
export interface FlowMemory {
  /** A customer's tunnel. Every client says something more often, and one that does not is found again. */
  readonly tunnels: { readonly first: number; readonly later: number };
  /** What customers visit. */
  readonly visits: { readonly first: number; readonly later: number };
}

export const FLOW_MEMORY: FlowMemory = { tunnels: { first: 10, later: 30 }, visits: { first: 10, later: 60 } };

/**
 * The machine's own rules for one gateway, as one table. Two things hold everywhere. Only the machine itself
 * speaks to the cables' network, though Linux answers for all its addresses on all its interfaces. And the gateway
 * reaches of the machine what it needs and nothing more, because what leaves it may be a customer's.
 */
export function machineRules(
  rules: MachineRules,
  memory: FlowMemory = FLOW_MEMORY,
  protocols: readonly PlannedProtocol[] = PLANNED_PROTOCOLS,
): string {
  const { cables, publication, router } = rules;
  const outer = publication === undefined ? [] : published({ ...publication, cables }, memory, protocols);
  const note = publication !== undefined && !router ? `  comment "${WAS_NO_ROUTER}"\n` : '';
  return `table inet ${cables.name} {\n${note}${[...guarding(rules), ...outer].join('')}}\n`;
}

/** Comment of a table whose service has switched forwarding on. */
export const WAS_NO_ROUTER = 'ip_forward was 0';

const CONTROL = 'c';
const UPLINK = 'u';

/** How the machine calls its ends of a gateway's cables. */
export function cableNames(name: string): { readonly control: string; readonly uplink: string } {
  return { control: `${name}${CONTROL}`, uplink: `${name}${UPLINK}` };
}

function block(title: string, lines: readonly string[]): string {
  return `  ${title} {\n${lines.map((line) => `    ${line}\n`).join('')}  }\n`;
}

function chain(name: string, lines: readonly string[]): string {
  return block(`chain ${name}`, lines);
}

function list(items: readonly (string | number)[]): string {
  return `{ ${items.join(', ')} }`;
}

function guarding({ cables, controlPorts, forwarders, publication, router }: MachineRules): string[] {
  const { control, uplink } = cableNames(cables.name);
  const ours = list(['lo', control, uplink].map((name) => `"${name}"`));
  const ports = controlPorts === 'any' ? 'meta l4proto tcp' : `tcp dport ${list(controlPorts)}`;
  const resolvers = forwarders.filter((address) => !address.includes(':'));
  return [
    chain('arriving', [
      'type filter hook prerouting priority raw; policy accept;',
      `iifname != ${ours} ip daddr ${cables.network} drop`,
      `iifname != ${ours} ip saddr ${cables.network} drop`,
    ]),
    chain('input', [
      'type filter hook input priority filter; policy accept;',
      `iifname "${control}" goto control`,
      `iifname "${uplink}" goto customers`,
    ]),
    chain('control', [
      'ct state established,related accept',
      `ip daddr ${cables.controlAddress} ${ports} accept`,
      'reject with icmpx admin-prohibited',
    ]),
    chain('customers', [
      'ct state established,related accept',
      ...resolvers.map((address) => `ip daddr ${address} meta l4proto { tcp, udp } th dport 53 accept`),
      ...(publication?.web === true ? [`ip daddr ${publication.publicAddress} tcp dport { 80, 443 } accept`] : []),
      'reject with icmpx admin-prohibited',
    ]),
    chain('forward', [
      'type filter hook forward priority filter; policy accept;',
      ...(publication === undefined
        ? [`iifname "${uplink}" drop`, `oifname "${uplink}" drop`]
        : [`iifname "${uplink}" goto outgoing`, `oifname "${uplink}" goto incoming`]),
      `iifname "${control}" drop`,
      `oifname "${control}" drop`,
      ...(publication === undefined || router ? [] : ['iifname != "lethe*" oifname != "lethe*" drop']),
    ]),
  ];
}

interface Published extends Publication {
  readonly cables: MachineCables;
}

/**
 * Tunnel packets for the public address go to the gateway under their own source, so that it can look their country up;
 * what leaves the gateway leaves under the public address. The machine forgets a flow long before the gateway does:
 * a visited host that speaks again after that is told apart by the ports that the gateway takes for customers, behind
 * which the machine has no socket.
 */
function published(parts: Published, memory: FlowMemory, protocols: readonly PlannedProtocol[]): string[] {
  const { publicAddress, plan, cables } = parts;
  const { gatewayAddress } = cables;
  const { uplink } = cableNames(cables.name);
  const { udp, tcp } = outerPorts(plan, protocols);
  const later = `ip daddr ${publicAddress} tcp dport ${NAT_PORTS}`;
  const ports = ['udp', 'tcp'].map((name) => [name, list(name === 'udp' ? udp : tcp)] as const);
  return [
    ...timeouts('tunnels', memory.tunnels),
    ...timeouts('visits', memory.visits),
    chain('remembered', [
      'type filter hook prerouting priority mangle; policy accept;',
      ...ports.map(([name, of]) => `iifname "${uplink}" ${name} sport ${of} goto tunnels`),
      `iifname "${uplink}" goto visits`,
      ...ports.map(([name, of]) => `ip daddr ${publicAddress} ${name} dport ${of} goto tunnels`),
      `${later} ct state new tcp flags & syn == 0 goto returning`,
    ]),
    chain('tunnels', chosen('tunnels')),
    chain('visits', chosen('visits')),
    chain('returning', ['socket wildcard { 0, 1 } accept', ...chosen('visits')]),
    chain('inward', [
      'type nat hook prerouting priority dstnat; policy accept;',
      `iifname "${uplink}" accept`,
      ...ports.map(([name, of]) => `ip daddr ${publicAddress} ${name} dport ${of} dnat ip to ${gatewayAddress}`),
      `${later} tcp flags & syn == 0 goto resumed`,
    ]),
    chain('resumed', ['socket wildcard { 0, 1 } accept', `dnat ip to ${gatewayAddress}`]),
    // The end of a connection makes no new flow, so it is translated without one.
    chain('ending', [
      'type filter hook prerouting priority dstnat + 1; policy accept;',
      `iifname != "${uplink}" ${later} ct state invalid goto ended`,
    ]),
    chain('ended', ['socket wildcard { 0, 1 } accept', `ip daddr set ${gatewayAddress}`]),
    chain('outgoing', [
      'ct state invalid meta l4proto != tcp drop',
      `ct state invalid tcp sport != ${NAT_PORTS} drop`,
      'meta l4proto { tcp, udp, icmp } accept',
      'reject with icmpx admin-prohibited',
    ]),
    chain('incoming', [
      'ct state established,related accept',
      'ct status dnat accept',
      `ct state invalid ip daddr ${gatewayAddress} tcp dport ${NAT_PORTS} accept`,
      'drop',
    ]),
    chain('outward', [
      'type nat hook postrouting priority srcnat; policy accept;',
      `oifname != "${uplink}" ip saddr ${gatewayAddress} snat ip to ${publicAddress}`,
    ]),
    chain('leaving', [
      'type filter hook postrouting priority srcnat + 1; policy accept;',
      `oifname != "${uplink}" ip saddr ${gatewayAddress} ct state invalid tcp sport ${NAT_PORTS} ip saddr set ${publicAddress}`,
    ]),
  ];
}

function chosen(name: string): string[] {
  return ['udp', 'tcp'].map((protocol) => `meta l4proto ${protocol} ct timeout set "${name}-${protocol}"`);
}

function timeouts(name: string, { first, later }: FlowMemory['tunnels']): string[] {
  const half = Math.min(10, later);
  const tcp = {
    syn_sent: 2 * first,
    syn_recv: 2 * first,
    established: later,
    fin_wait: half,
    close_wait: half,
    last_ack: half,
    time_wait: Math.min(5, later),
    close: Math.min(5, later),
    retrans: later,
    unack: later,
  };
  const policy = (values: object) => {
    const pairs = Object.entries(values).map(([key, value]) => `${key}: ${value}`);
    return `policy = { ${pairs.join(', ')} }`;
  };
  return [
    block(`ct timeout ${name}-udp`, ['protocol udp', 'l3proto ip', policy({ unreplied: first, replied: later })]),
    block(`ct timeout ${name}-tcp`, ['protocol tcp', 'l3proto ip', policy(tcp)]),
  ];
}
