// SPDX-License-Identifier: AGPL-3.0-or-later
import { setTimeout as delay } from 'node:timers/promises';
import { generateWireguardKeys, type WireguardKeys } from '../../src/contracts/pki/keys.ts';
import type { GatewayPlan } from '../../src/contracts/plan/plan.ts';
import type { Random } from '../../src/core/random/random.ts';
import {
  type Marker,
  marked,
  markedAddress,
  markedCount,
  markedHost,
  markedKey,
  markedPort,
  randomWord,
} from '../hunt/marker.ts';
import {
  type ClientMachine,
  connectIkev2,
  connectOpenvpn,
  connectWireguard,
  type StockClient,
  visit,
} from '../labs/clients/client.os.ts';
import type { Visitor, Welcome } from '../labs/customers/visitor.ts';
import { INTERNET } from '../labs/internet/start.os.ts';
import { homeAddress, homeAddress6, type World } from '../labs/internet/world.os.ts';
import { hold } from './steps.ts';

/** What one session showed. */
export interface SessionReport {
  readonly protocol: string;
  readonly transport: string;
  /** The address under which the Internet saw the customer. */
  readonly exitAddress: string;
  readonly page: boolean;
  readonly dns: boolean;
}

/** One customer's device with everything about it that must be forgotten. */
export interface Device {
  readonly protocol: 'openvpn' | 'ikev2' | 'wireguard';
  readonly machine: ClientMachine;
  readonly address: string;
  /** A name and a path that no other device asks for. */
  readonly host: string;
  readonly path: string;
  client?: StockClient;
}

/** What the portal handed out, by which the devices connect. */
export interface Profiles {
  readonly openvpn: string;
  readonly swanctl: string;
  readonly authority: string;
  readonly wireguard: string;
  readonly keys: WireguardKeys;
}

const PROTOCOLS = ['openvpn', 'ikev2', 'wireguard'] as const;

/** A machine for each protocol, each with an address of its own in a network of its own. */
export async function makeDevices(world: World, plan: GatewayPlan, random: Random): Promise<Device[]> {
  const devices: Device[] = [];
  for (const [index, protocol] of PROTOCOLS.entries()) {
    const address = homeAddress(random, index);
    const namespace = await world.machine(`c${index}`, address, homeAddress6(random));
    devices.push({
      protocol,
      address,
      machine: { namespace, gateway: plan.address4, device: 'eth0' },
      host: `${randomWord(random)}.${INTERNET.zone}`,
      path: `/${randomWord(random)}`,
    });
  }
  return devices;
}

/** Takes the three profiles as a person would; the private WireGuard key is made here and goes nowhere. */
export async function takeProfiles(customer: Visitor, plan: GatewayPlan): Promise<Profiles> {
  const keys = await generateWireguardKeys();
  const device = await customer.addDevice(keys.publicKey);
  const short = plan.name.split('.')[0] ?? '';
  return {
    openvpn: await customer.read(`/download/${plan.location}/openvpn-udp`),
    swanctl: await customer.read(`/download/${plan.location}/swanctl`),
    authority: await customer.read('/download/authority'),
    wireguard: await customer.read(`${device}/${plan.location}/${short}`),
    keys,
  };
}

/** New credentials reach a gateway with its next auth file; until then it refuses them, and a person tries again. */
const ATTEMPTS = 6;

async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = ATTEMPTS; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 1) throw error;
      await delay(1500);
    }
  }
}

export async function connect(device: Device, profiles: Profiles, welcome: Welcome): Promise<StockClient> {
  const { machine } = device;
  switch (device.protocol) {
    case 'openvpn':
      return await patiently(() => connectOpenvpn(machine, profiles.openvpn, welcome));
    case 'ikev2':
      return await patiently(() => connectIkev2(machine, profiles.swanctl, profiles.authority, welcome));
    case 'wireguard':
      return await connectWireguard(machine, profiles.wireguard.replace('YOUR-PRIVATE-KEY', profiles.keys.privateKey));
  }
}

/** Fetches a page by its name, both through the tunnel, and looks under which address the Internet saw it. */
export async function use(device: Device, plan: GatewayPlan): Promise<SessionReport> {
  const seen = await patiently(() => visit(device.machine.namespace, device.host, device.path, plan.service4));
  hold(seen.status === 200, `the page answered ${seen.status}`);
  hold(seen.addresses.includes(INTERNET.address4), 'the resolver in the tunnel gave another address');
  hold(seen.body === plan.address4, `the Internet saw ${seen.body} and not the gateway`);
  return { protocol: device.protocol, transport: 'udp', exitAddress: seen.body, page: true, dns: true };
}

/** Everything about the customer and the devices that must not be found later. */
export function markersOf(devices: readonly Device[], welcome: Welcome, profiles: Profiles): Marker[] {
  return [
    marked('account number', welcome.accountNumber),
    marked('account number without dashes', welcome.accountNumber.replaceAll('-', '')),
    marked('VPN username', welcome.username),
    marked('VPN password', welcome.password),
    marked('IKEv2 password', welcome.ikePassword),
    markedKey('WireGuard public key', profiles.keys.publicKey),
    markedKey('WireGuard private key', profiles.keys.privateKey),
    ...devices.flatMap(({ protocol, address, host, path }) => [
      markedAddress(`${protocol} source address`, address),
      markedHost(`${protocol} DNS name`, host),
      marked(`${protocol} URL path`, path),
    ]),
  ];
}

/** The source ports that the clients took for themselves. IKEv2 has one for all, so it marks no device. */
export async function portMarkers(devices: readonly Device[]): Promise<Marker[]> {
  const markers: Marker[] = [];
  for (const { protocol, machine, address } of devices) {
    if (protocol === 'ikev2') continue;
    const sockets = await machine.namespace.run(['ss', '--udp', '--all', '--numeric', '--no-header']);
    const port = Number(/(?:\*|0\.0\.0\.0|\[::\]):(\d{4,5})\s/.exec(sockets)?.[1]);
    hold(port > 0, `the socket of the ${protocol} client is not to be seen`);
    markers.push(markedPort(`${protocol} source port`, port, address));
  }
  return markers;
}

/** More than a million bytes, there and back. */
const ECHOES = ['ping', '-q', '-f', '-c', '500', '-s', '1300', INTERNET.address4];

/**
 * The exact numbers of bytes of the sessions, as the clients counted them; of seven digits at least, for a shorter number
 * is in a configuration file by chance.
 */
export async function countMarkers(devices: readonly Device[]): Promise<Marker[]> {
  const markers: Marker[] = [];
  for (const { protocol, machine } of devices) {
    if (protocol !== 'wireguard') continue;
    await machine.namespace.run(ECHOES);
    const transfer = await machine.namespace.run(['wg', 'show', 'wg0', 'transfer']);
    const [received = 0, sent = 0] = transfer.trim().split('\t').slice(1).map(Number);
    hold(received + sent > 1_000_000, `${protocol} carried ${received + sent} bytes`);
    markers.push(markedCount(`${protocol} bytes`, received + sent));
  }
  return markers;
}
