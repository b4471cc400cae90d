// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { SALT } from '../../src/contracts/authfile/layout.ts';
import { type LoginRecord, type PeerRecord, sealAuthFile } from '../../src/contracts/authfile/seal.ts';
import { generateWireguardKeys, type WireguardKeys } from '../../src/contracts/pki/keys.ts';
import { type EpochDay, today } from '../../src/core/clock/clock.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import type { Machine } from '../../src/host/machines/machine.os.ts';
import { type SampleCustomer, sampleCustomers, sampleLogins } from '../labs/customers/sample.ts';
import type { BenchContext } from './bench.ts';
import { openvpnSession, type Session, wireguardSession } from './image-session.os.ts';
import type { ImageSite } from './image-site.os.ts';

export interface Scale {
  readonly credentials: number;
  /** At most 255, the seats that one licence can have. */
  readonly openvpn: number;
  readonly wireguard: number;
}

/** Those who connect, and auth files that know them: one that knows no one else, and one with everybody. */
export interface Crowd {
  readonly customer: SampleCustomer;
  readonly peers: readonly WireguardKeys[];
  readonly few: (version: number) => Uint8Array;
  readonly all: (version: number) => Uint8Array;
}

export async function makeCrowd(context: BenchContext, site: ImageSite, scale: Scale): Promise<Crowd> {
  const { clock, random } = context;
  const expiresOn = (today(clock) + 30) as EpochDay;
  const valid = (customer: SampleCustomer, seats: number): SampleCustomer => ({
    ...customer,
    entitlement: { ...customer.entitlement, expiresOn, seats },
  });
  const customers = sampleCustomers(random, scale.credentials);
  const customer = valid(customers[0] as SampleCustomer, 255);
  customers[0] = customer;
  const peers = await Promise.all(Array.from({ length: scale.wireguard }, generateWireguardKeys));
  const records = peers.map(({ publicKey }, index): PeerRecord => {
    const { entitlement } = valid(customers[index + 1] as SampleCustomer, 5);
    return { publicKey: Uint8Array.fromBase64(publicKey), host: index + 2, entitlement };
  });
  const salt = random.bytes(SALT);
  const logins = sampleLogins(salt, customers, random);
  const key = createPrivateKey(site.identity.signingKey);
  const seal = (some: readonly LoginRecord[]) => (version: number) =>
    sealAuthFile({ version, salt, logins: some, peers: records }, key);
  return { customer, peers, few: seal(logins.slice(0, 1)), all: seal(logins) };
}

/** Megabytes of the machine, and of its agent. */
export interface GuestMemory {
  readonly total: number;
  /** What cannot be had for something else: the root image among it, which is in memory. */
  readonly used: number;
  readonly agent: number;
  /** The most that the agent ever held. */
  readonly peak: number;
}

const LOOK = `cat /proc/meminfo /proc/vmstat /proc/$(systemctl show -P MainPID lethe-agent)/status`;

/** Throws when the kernel had to kill a program. */
export async function memoryOf({ probe }: Machine): Promise<GuestMemory> {
  const text = await probe.text(LOOK);
  const megabytes = (field: string) => {
    const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
    assert.ok(kibibytes !== undefined, `the guest does not say ${field}`);
    return (Number(kibibytes) * 1024) / 1e6;
  };
  assert.match(text, /^oom_kill 0$/m, 'the guest ran out of memory');
  const total = megabytes('MemTotal');
  return { total, used: total - megabytes('MemAvailable'), agent: megabytes('VmRSS'), peak: megabytes('VmHWM') };
}

const AT_ONCE = 4;
/** Milliseconds. */
const TIMEOUT = 600_000;

/** Everybody connects, and stays. A few at a time: the emulated machine makes each of them a key exchange. */
export async function connectAll(site: ImageSite, scale: Scale, crowd: Crowd): Promise<Session[]> {
  const server = (await site.activator.boot(site.parameters.plan.gateway))?.wireguard ?? '';
  const starts = [
    ...Array.from({ length: scale.openvpn }, (_, index) => () => openvpnSession(site, index, crowd.customer)),
    ...crowd.peers.map((keys, index) => () => wireguardSession(site, index, { keys, host: index + 2, server })),
  ];
  const sessions: Session[] = [];
  for (let at = 0; at < starts.length; at += AT_ONCE) {
    const some = await Promise.all(starts.slice(at, at + AT_ONCE).map((start) => start()));
    sessions.push(...some);
    await Promise.all(some.map((session) => session.up(TIMEOUT)));
    await fetchAll(site, some);
  }
  await waitUntil(`a beat tells ${starts.length} sessions`, () => site.control.sessions === starts.length, TIMEOUT);
  return sessions;
}

/** Throws unless each of them gets a page, a few at a time. */
export async function fetchAll(site: ImageSite, sessions: readonly Session[]): Promise<void> {
  for (let at = 0; at < sessions.length; at += AT_ONCE) {
    const pages = await Promise.all(sessions.slice(at, at + AT_ONCE).map((session) => session.fetch()));
    for (const page of pages) assert.equal(page, site.parameters.plan.address4);
  }
}
