// SPDX-License-Identifier: AGPL-3.0-or-later

import type { WireguardKeys } from '../../src/contracts/pki/keys.ts';
import { innerAddresses } from '../../src/contracts/plan/pool.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import type { Namespace } from '../../src/host/namespaces/namespace.os.ts';
import { place } from '../../src/host/namespaces/place.os.ts';
import { orStop } from '../../src/host/processes/process.os.ts';
import type { TestCustomer } from '../labs/customers/issuer.os.ts';
import { INTERNET } from '../labs/internet/start.os.ts';
import { isUp } from '../labs/openvpn/lab.os.ts';
import type { ImageSite } from './image-site.os.ts';

/** A stock client, one of many that share a namespace; each has a device of its own. */
export interface Session {
  /** Resolves when it is connected. */
  up(limit: number): Promise<void>;
  /** Fetches a page through its tunnel, and gives the address that the Internet saw. */
  fetch(): Promise<string>;
  close(): Promise<void>;
}

const FILES = { authority: '/run/client/ca.crt', tlsCrypt: '/run/client/tls-crypt', login: '/run/client/login' };
/** Seconds until a page must be there. */
const PAGE = 30;
/** Milliseconds in which a client program starts. */
const START = 60_000;

/** What the clients of a site need before the first of them starts. */
export async function prepareClients({ clients, identity }: ImageSite): Promise<void> {
  place(clients, FILES.authority, identity.caCertificate);
  place(clients, FILES.tlsCrypt, identity.tlsCryptKey);
  // Each tunnel is another way to the same page.
  await clients.run(['sysctl', '-q', '-w', 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.default.rp_filter=0']);
}

/**
 * OpenVPN over TCP, which tries anew each second and notices at once that a server is there. An unknown client
 * tries on as well.
 */
export async function openvpnSession(
  { clients, parameters: { plan } }: Pick<ImageSite, 'clients' | 'parameters'>,
  number: number,
  { username, password }: TestCustomer,
): Promise<Session> {
  const device = `tun${number}`;
  place(clients, FILES.login, `${username}\n${password}\n`, 0o600);
  const remote = ['--remote', plan.address4, String(plan.tunnels['openvpn-tcp'].port), '--proto', 'tcp4-client'];
  const persistent = ['--connect-retry', '1', '1', '--server-poll-timeout', '4', '--auth-retry', 'nointeract'];
  const trust = ['--ca', FILES.authority, '--tls-crypt', FILES.tlsCrypt, '--remote-cert-tls', 'server'];
  const own = ['--dev', device, '--dev-type', 'tun', '--nobind', '--route-noexec', '--verb', '3'];
  const login = ['--auth-user-pass', FILES.login];
  const child = await clients.spawn(['openvpn', '--client', ...remote, ...persistent, ...trust, ...own, ...login]);
  return {
    async up(limit) {
      await waitUntil('the client connects', () => isUp(child) || !child.running, limit);
      if (!child.running) throw new Error(`openvpn ended: ${child.output().slice(-500)}`);
      await wayThrough(clients, device, number);
    },
    fetch: () => fetched(clients, device),
    close: async () => void (await child.stop()),
  };
}

/** WireGuard, with wireguard-go on this side. */
export async function wireguardSession(
  { clients, parameters: { plan } }: Pick<ImageSite, 'clients' | 'parameters'>,
  number: number,
  peer: { readonly keys: WireguardKeys; readonly host: number; readonly server: string },
): Promise<Session> {
  const device = `wg${number}`;
  const key = `/run/client/${device}.key`;
  place(clients, key, `${peer.keys.privateKey}\n`, 0o600);
  const child = await clients.spawn(['wireguard-go', '-f', device], { env: { LOG_LEVEL: 'error' } });
  const answers = () => clients.run(['wg', 'show', device]).then(Boolean, () => false);
  await orStop(child, () => waitUntil(`wireguard-go has made ${device}`, answers, START));
  const [address4] = innerAddresses(plan.tunnels.wireguard, peer.host);
  const endpoint = ['endpoint', `${plan.address4}:${plan.tunnels.wireguard.port}`, 'allowed-ips', '0.0.0.0/0'];
  await clients.run(['wg', 'set', device, 'private-key', key, 'peer', peer.server, ...endpoint]);
  await clients.run(['ip', 'address', 'add', `${address4}/32`, 'dev', device]);
  await clients.run(['ip', 'link', 'set', device, 'mtu', '1420', 'up']);
  return {
    up: () => wayThrough(clients, device, number),
    fetch: () => fetched(clients, device),
    close: async () => void (await child.stop()),
  };
}

/** A route that is taken by those alone who ask for this device. */
async function wayThrough(clients: Namespace, device: string, number: number): Promise<void> {
  await clients.run(['ip', 'route', 'replace', INTERNET.address4, 'dev', device, 'metric', String(1000 + number)]);
}

async function fetched(clients: Namespace, device: string): Promise<string> {
  const bounds = ['--silent', '--show-error', '--max-time', String(PAGE), '--retry', '3', '--retry-all-errors'];
  return (await clients.run(['curl', ...bounds, '--interface', device, `http://${INTERNET.address4}/`])).trim();
}
