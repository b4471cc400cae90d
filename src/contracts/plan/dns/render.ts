// SPDX-License-Identifier: AGPL-3.0-or-later
import { CLOSED4, CLOSED6 } from '../closed.ts';
import { GATEWAY_FILES, type GatewayPlan, type RenderedFile } from '../plan.ts';

export const RESOLVER_FILE = 'unbound.conf';

type Setting = readonly [key: string, value: string];

/** The resolver inside the tunnels: it answers from memory, for customers alone, and keeps no record. */
export function render(plan: GatewayPlan): RenderedFile[] {
  const server = [...silence(), ...service(plan), ...hardening(plan), ...validation(plan)];
  const content = [
    clause('server', server),
    clause('remote-control', remoteControl()),
    ...(plan.forwarders === 'root' ? [] : [clause('forward-zone', forwarding(plan.forwarders))]),
  ].join('');
  return [{ name: RESOLVER_FILE, content }];
}

function clause(name: string, settings: readonly Setting[]): string {
  return `${name}:\n${settings.map(([key, value]) => `  ${key}: ${value}\n`).join('')}`;
}

function silence(): Setting[] {
  return [
    ['use-syslog', 'no'],
    ['logfile', '"/dev/null"'],
    ['verbosity', '0'],
    ['val-log-level', '0'],
    ['log-queries', 'no'],
    ['log-replies', 'no'],
    ['log-local-actions', 'no'],
    ['log-servfail', 'no'],
    ['log-tag-queryreply', 'no'],
    ['log-identity', '""'],
    ['statistics-interval', '0'],
    ['statistics-cumulative', 'no'],
    ['extended-statistics', 'no'],
    ['shm-enable', 'no'],
    ['pidfile', '""'],
  ];
}

function service(plan: GatewayPlan): Setting[] {
  const pools = Object.values(plan.tunnels).flatMap((tunnel) => [tunnel.pool4, tunnel.pool6]);
  return [
    ['do-daemonize', 'no'],
    // It is started as an unprivileged user, with no other right than the port.
    ['username', '""'],
    ['chroot', '""'],
    ['directory', '""'],
    ['num-threads', '2'],
    ['interface', plan.service4],
    ['interface', plan.service6],
    ['access-control', '0.0.0.0/0 refuse'],
    ['access-control', '::/0 refuse'],
    ...pools.map((pool): Setting => ['access-control', `${pool} allow`]),
    ['msg-cache-size', '16m'],
    ['rrset-cache-size', '32m'],
    ['cache-max-ttl', '3600'],
    ['cache-max-negative-ttl', '300'],
  ];
}

function hardening(plan: GatewayPlan): Setting[] {
  return [
    ['hide-identity', 'yes'],
    ['hide-version', 'yes'],
    ['hide-trustanchor', 'yes'],
    ['qname-minimisation', 'yes'],
    ['minimal-responses', 'yes'],
    ['aggressive-nsec', 'yes'],
    ['harden-glue', 'yes'],
    ['harden-dnssec-stripped', 'yes'],
    ['harden-below-nxdomain', 'yes'],
    ['harden-large-queries', 'yes'],
    ['harden-short-bufsize', 'yes'],
    ['harden-algo-downgrade', 'yes'],
    ['deny-any', 'yes'],
    ['unwanted-reply-threshold', '10000000'],
    ['ignore-cd-flag', 'yes'],
    // A public name that points into a private network is an attack on the client that asks (DNS rebinding).
    ...[...CLOSED4, ...CLOSED6].map((network): Setting => ['private-address', network]),
    ...(plan.forwarders === 'root' ? [] : REHEARSAL),
  ];
}

/** `test.` does not exist in the root (RFC 6761 section 6.2), so forwarders may serve it, unsigned, for rehearsals. */
const REHEARSAL: readonly Setting[] = [
  ['local-zone', '"test." nodefault'],
  ['domain-insecure', '"test."'],
];

/**
 * DS records of the root's key-signing keys of 2017 and 2024 (https://data.iana.org/root-anchors/root-anchors.xml). They
 * come with the software and are never written: a new key of the root is a new release.
 */
const ROOT_KEYS = [
  '20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D',
  '38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16',
];

function validation(plan: GatewayPlan): Setting[] {
  return [
    ['module-config', '"validator iterator"'],
    ...ROOT_KEYS.map((key): Setting => ['trust-anchor', `". DS ${key}"`]),
    ['trust-anchor-signaling', 'no'],
    ['root-key-sentinel', 'no'],
    ['val-clean-additional', 'yes'],
    ['val-permissive-mode', 'no'],
    ['do-not-query-localhost', plan.forwarders === 'root' ? 'yes' : 'no'],
  ];
}

/** The agent's way to make the resolver forget: a socket in memory, and no certificates: no other user is there. */
function remoteControl(): Setting[] {
  return [
    ['control-enable', 'yes'],
    ['control-interface', GATEWAY_FILES.resolverSocket],
    ['control-use-cert', 'no'],
  ];
}

function forwarding(addresses: readonly string[]): Setting[] {
  return [['name', '"."'], ...addresses.map((address): Setting => ['forward-addr', address])];
}
