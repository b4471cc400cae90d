// SPDX-License-Identifier: AGPL-3.0-or-later
import { CLOSED4, CLOSED6 } from '../closed.ts';
import type { GatewayPlan, RenderedFile, TunnelPlan } from '../plan.ts';
import type { PlannedProtocol } from '../protocol.ts';
import { outerPorts, PLANNED_PROTOCOLS, tunnelOf } from '../protocols.ts';
import { SYSCTLS } from './sysctl.ts';

export const FIREWALL_FILE = 'firewall.nft';
export const SYSCTL_FILE = 'sysctl.conf';
/** The service addresses, for the system, which gives them to the loopback interface where no program of ours does. */
export const ADDRESSES_FILE = 'addresses.env';

/** The ruleset, the kernel settings and the service addresses of a gateway. */
export function render(plan: GatewayPlan, protocols: readonly PlannedProtocol[] = PLANNED_PROTOCOLS): RenderedFile[] {
  return [
    { name: FIREWALL_FILE, content: ruleset({ ...plan, protocols }) },
    { name: SYSCTL_FILE, content: SYSCTLS.map(([key, value]) => `${key} = ${value}\n`).join('') },
    { name: ADDRESSES_FILE, content: `SERVICE4=${plan.service4}\nSERVICE6=${plan.service6}\n` },
  ];
}

/** Source ports of customers' flows behind the NAT. No tunnel listens in this range, so no answer is taken for one. */
export const NAT_PORTS = '20000-49999';

/**
 * Flows that one inner address may have at a time: of the kernel's usual 262 144 no customer fills more than a thirtieth,
 * and a busy file sharer has a few hundred. The kernel keeps each address that has flows in a set, as long as it has any.
 */
export const MOST_FLOWS = 4096;
/** Addresses that are counted at a time; beyond that none is refused. */
const MOST_COUNTED = 65_535;

function list(items: readonly (string | number)[]): string {
  return `{ ${items.join(', ')} }`;
}

/** The plan, and the protocols for which it is a plan. */
interface Walled extends GatewayPlan {
  readonly protocols: readonly PlannedProtocol[];
}

interface Door {
  readonly tunnel: TunnelPlan;
  /** What a packet that came out of the tunnel looks like. */
  readonly from: string;
  /** And one that is about to go into it. */
  readonly to: string;
}

function doors(plan: Walled): Door[] {
  return plan.protocols.map((protocol) => {
    const tunnel = tunnelOf(plan, protocol);
    const from = protocol.arrival?.(plan) ?? `iifname "${tunnel.device}"`;
    return { tunnel, from, to: protocol.departure?.(plan) ?? `oifname "${tunnel.device}"` };
  });
}

function chain(name: string, hook: string, rules: readonly string[]): string {
  const lines = [hook, ...rules].filter((line) => line !== '').map((line) => `    ${line}\n`);
  return `  chain ${name} {\n${lines.join('')}  }\n`;
}

function counted(name: string, type: string): string {
  return `  set ${name} {\n    type ${type}\n    size ${MOST_COUNTED}\n    flags dynamic\n  }\n`;
}

function ruleset(plan: Walled): string {
  const chains = [
    arriving(plan),
    leaving(plan),
    chain('input', 'type filter hook input priority filter; policy drop;', input(plan)),
    chain('outside', '', outside(plan)),
    chain('inside', '', inside(plan)),
    chain('forward', 'type filter hook forward priority filter; policy drop;', forward(plan)),
    chain('outbound', '', outbound(plan)),
    chain('segments', 'type filter hook forward priority mangle; policy accept;', [
      'tcp flags syn / syn,rst tcp option maxseg size set rt mtu',
    ]),
    chain('answers', '', answers(plan)),
    chain('offered', '', [`ip saddr ${plan.service4} accept`, `ip6 saddr ${plan.service6} accept`]),
    chain('output', 'type filter hook output priority filter; policy drop;', output(plan)),
    chain('translate', 'type nat hook postrouting priority srcnat; policy accept;', translate(plan)),
  ];
  const sets = counted('flows4', 'ipv4_addr') + counted('flows6', 'ipv6_addr');
  return `table inet lethe {}\ndelete table inet lethe\ntable inet lethe {\n${sets}${chains.join('')}}\n`;
}

/** Customers' public addresses stay out of connection tracking; sources must belong where they come from. */
function arriving(plan: Walled): string {
  const { udp, tcp } = outerPorts(plan, plan.protocols);
  const outer = `iifname "${plan.uplink}" fib daddr . iif type local`;
  return chain('arriving', 'type filter hook prerouting priority raw; policy accept;', [
    ...doors(plan).flatMap(({ tunnel, from }) => [
      `${from} ip saddr != ${tunnel.pool4} drop`,
      `${from} ip6 saddr != ${tunnel.pool6} drop`,
    ]),
    `iifname "${plan.uplink}" meta ipsec missing ip saddr ${list(pools4(plan))} drop`,
    `iifname "${plan.uplink}" meta ipsec missing ip6 saddr ${list(pools6(plan))} drop`,
    `${outer} meta ipsec missing udp dport ${list(udp)} notrack`,
    `${outer} meta ipsec missing tcp dport ${list(tcp)} notrack`,
    `${outer} meta l4proto esp notrack`,
    ...doors(plan).flatMap(({ from }) => [
      `${from} ip daddr ${plan.service4} notrack`,
      `${from} ip6 daddr ${plan.service6} notrack`,
    ]),
  ]);
}

function leaving(plan: Walled): string {
  const { udp, tcp } = outerPorts(plan, plan.protocols);
  return chain('leaving', 'type filter hook output priority raw; policy accept;', [
    `oifname "${plan.uplink}" udp sport ${list(udp)} notrack`,
    `oifname "${plan.uplink}" tcp sport ${list(tcp)} notrack`,
    `oifname "${plan.uplink}" meta l4proto esp notrack`,
    `oifname != "lo" ip saddr ${plan.service4} notrack`,
    `oifname != "lo" ip6 saddr ${plan.service6} notrack`,
  ]);
}

function input(plan: Walled): string[] {
  return [
    'iifname "lo" accept',
    ...doors(plan).map(({ from }) => `${from} goto inside`),
    `iifname "${plan.uplink}" goto outside`,
    // The way to control, where it has an interface of its own.
    'ct state established,related accept',
  ];
}

function outside(plan: Walled): string[] {
  const { tcp } = outerPorts(plan, plan.protocols);
  const { udp } = outerPorts(
    plan,
    plan.protocols.filter(({ admits }) => admits === undefined),
  );
  const admitted = plan.protocols.flatMap((protocol) => protocol.admits?.(tunnelOf(plan, protocol)) ?? []);
  const here = 'fib daddr . iif type local';
  return [
    'ct state established,related accept',
    `${here} udp dport ${list(udp)} accept`,
    ...admitted.map((packets) => `${here} ${packets} accept`),
    `${here} tcp dport ${list(tcp)} accept`,
    plan.esp === 'kernel' ? `${here} meta l4proto esp accept` : '',
    'icmp type { destination-unreachable, time-exceeded, parameter-problem } accept',
    'icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept',
    'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } ip6 hoplimit 255 accept',
    'drop',
  ];
}

/** What the gateway offers to those who are connected: names, heartbeats, and an echo to see that it is there. */
function inside(plan: Walled): string[] {
  const services = ['udp dport 53', 'tcp dport 53', `tcp dport ${plan.heartbeatPort}`];
  return [
    ...[...services, 'icmp type echo-request'].map((service) => `ip daddr ${plan.service4} ${service} accept`),
    ...[...services, 'icmpv6 type echo-request'].map((service) => `ip6 daddr ${plan.service6} ${service} accept`),
    'reject with icmpx admin-prohibited',
  ];
}

function forward(plan: Walled): string[] {
  return [
    ...strays(plan),
    'ct state invalid drop',
    'ct state established,related accept',
    ...doors(plan).map(({ from }) => `${from} goto outbound`),
  ];
}

/** A packet for a customer whose tunnel has just gone must not travel on in the open. */
function strays(plan: Walled): string[] {
  const open = plan.esp === 'kernel' ? `oifname "${plan.uplink}" rt ipsec missing` : `oifname "${plan.uplink}"`;
  return [`${open} ip daddr ${list(pools4(plan))} drop`, `${open} ip6 daddr ${list(pools6(plan))} drop`];
}

/**
 * What the gateway may send itself. Only the agent and, in the image, the activation may open connections: to control and
 * to the activator. Only the resolver may ask for names.
 */
function output(plan: Walled): string[] {
  const { agent, resolver, activation } = plan.users;
  return [
    ...strays(plan),
    'oifname "lo" accept',
    'ct state established,related accept',
    `meta skuid ${list(activation === undefined ? [agent] : [agent, activation])} meta l4proto tcp accept`,
    `meta skuid ${resolver} udp dport 53 accept`,
    `meta skuid ${resolver} tcp dport 53 accept`,
    'udp sport 68 udp dport 67 accept',
    'icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report } accept',
    'icmp type { destination-unreachable, time-exceeded, parameter-problem } accept',
    'icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept',
    ...doors(plan).map(({ to }) => `${to} goto offered`),
    `oifname "${plan.uplink}" goto answers`,
  ];
}

/** What leaves by the tunnels' own ports. Packets of a tunnel that is in the kernel have no user, or whose answer they carry. */
function answers(plan: Walled): string[] {
  const ports = plan.protocols.flatMap((protocol) => {
    const { udp, tcp } = protocol.ports(tunnelOf(plan, protocol));
    const user = protocol.sender?.(plan);
    return [
      udp.length === 0 ? '' : `${user === undefined ? '' : `meta skuid ${user} `}udp sport ${list(udp)} accept`,
      // What a program leaves behind in a connection that it has closed has no user any more.
      tcp.length === 0 ? '' : `tcp sport ${list(tcp)} accept`,
    ];
  });
  // A connection is never opened from there.
  return ['tcp flags syn / syn,ack drop', ...ports, plan.esp === 'kernel' ? 'meta l4proto esp accept' : '', 'drop'];
}

function outbound(plan: Walled): string[] {
  return [
    `ip daddr ${list(CLOSED4)} reject with icmp admin-prohibited`,
    `ip6 daddr ${list(CLOSED6)} reject with icmpv6 admin-prohibited`,
    // The kernel would remember such flows for hours, each kernel for others.
    'meta l4proto { dccp, sctp } reject with icmpx admin-prohibited',
    plan.address6 === undefined ? 'meta nfproto ipv6 reject with icmpv6 no-route' : '',
    `ct state new add @flows4 { ip saddr ct count over ${MOST_FLOWS} } drop`,
    `ct state new add @flows6 { ip6 saddr ct count over ${MOST_FLOWS} } drop`,
    `oifname "${plan.uplink}" accept`,
    'reject with icmpx admin-prohibited',
  ];
}

function translate(plan: Walled): string[] {
  const families = [
    `ip saddr ${list(pools4(plan))}`,
    ...(plan.address6 === undefined ? [] : [`ip6 saddr ${list(pools6(plan))}`]),
  ];
  return families.flatMap((pools) => [
    `oifname "${plan.uplink}" ${pools} meta l4proto { tcp, udp } masquerade to :${NAT_PORTS} fully-random`,
    `oifname "${plan.uplink}" ${pools} masquerade`,
  ]);
}

function pools4(plan: Walled): string[] {
  return Object.values(plan.tunnels).map((tunnel) => tunnel.pool4);
}

function pools6(plan: Walled): string[] {
  return Object.values(plan.tunnels).map((tunnel) => tunnel.pool6);
}
