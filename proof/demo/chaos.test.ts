// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock as clock } from '../../src/core/clock/clock.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import { below, systemRandom as random } from '../../src/core/random/random.ts';
import { type Running, runningAs } from '../../src/host/processes/running.os.ts';
import type { Terminal } from '../../src/host/terminal/terminal.ts';
import type { RunningGateway } from '../../src/onebox/gateway.os.ts';
import type { Service } from '../../src/onebox/service.os.ts';
import { type Visitor, visitorAt, type Welcome } from '../labs/customers/visitor.ts';
import { openScene, type Scene } from './scene.os.ts';
import { connect, type Device, makeDevices, type Profiles, takeProfiles, use } from './sessions.os.ts';

/**
 * Any program of the service, or its launcher, is killed every few seconds while three customers use it.
 * `CHAOS_SECONDS=360` has it go on for six minutes; the suite has no time for more than this.
 */
const SECONDS = Number(process.env['CHAOS_SECONDS'] ?? 20);
const EVERY = 5000;

const SILENT: Terminal = { write: () => undefined, interactive: false };
let scene: Scene;
let customer: Visitor;
let welcome: Welcome;
let profiles: Profiles;
let devices: Device[];
const killed: Running[] = [];
let served = 0;
/** Times that the IKEv2 client has connected. */
let initiated = 1;

const gateway = () => scene.service.gateway as NonNullable<Service['gateway']>;
const programs = () => [
  scene.service.database.program,
  scene.service.control,
  ...(gateway().running as RunningGateway).programs,
];

before(async () => {
  const listen = { host: '127.0.0.1', port: 0 };
  scene = await openScene({ clock, random, release: '0.1.0', wireguardIdle: 180_000, listen, terminal: SILENT });
  customer = visitorAt(scene.service.portal);
  welcome = await customer.signUp();
  profiles = await takeProfiles(customer, gateway().plan);
  devices = await makeDevices(scene.world, gateway().plan, random);
  for (const one of devices) one.client = await connect(one, profiles, welcome);
});
after(() => scene.close());

/** Kills one program, or its launcher. Those of ours that have none are killed themselves. */
function killOne(): void {
  const all = programs().filter(({ child }) => child.running);
  const { child } = all[below(random, all.length)] ?? assert.fail();
  const running = runningAs(child.pid);
  if (running === undefined) return;
  killed.push(running);
  const parent = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]);
  process.kill(parent !== process.pid && below(random, 2) === 1 ? parent : child.pid, 'SIGKILL');
}

/** One try of a customer; an IKEv2 client that has lost its tunnel is started anew, as its user would. */
async function tryOnce(device: Device): Promise<boolean> {
  try {
    await use(device, gateway().plan);
    served += 1;
    return true;
  } catch {
    if (device.protocol === 'ikev2') await again(device).catch(() => undefined);
    return false;
  }
}

async function again(device: Device): Promise<void> {
  await device.client?.disconnect().catch(() => undefined);
  device.client = await connect(device, profiles, welcome);
  initiated += 1;
}

/**
 * Sessions by what the clients of OpenVPN and IKEv2 say, and the events of these protocols that the service has. A
 * WireGuard client knows of no sessions.
 */
async function sessionsAndEvents(): Promise<{ sessions: number; events: number }> {
  const openvpn = devices.find(({ protocol }) => protocol === 'openvpn')?.client?.output() ?? '';
  const sessions = initiated + openvpn.split('Initialization Sequence Completed').length - 1;
  const rows = (await customer.remembered()).filter(({ store }) => store === 'database.usage_events');
  const counted = ({ value }: { value: unknown }) => value === 'openvpn-udp' || value === 'ikev2';
  return { sessions, events: rows.filter(({ fields }) => fields.some(counted)).length };
}

/** Programs in the gateway that no launcher watches any more. */
function orphans(): string[] {
  const inside = readlinkSync(`/proc/${gateway().namespace.pid}/ns/pid`);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        const orphaned = /^PPid:\s+1$/m.test(status) && !/^State:\s+Z/m.test(status);
        return orphaned && readlinkSync(`/proc/${pid}/ns/pid`) === inside;
      } catch {
        return false;
      }
    });
}

test('whatever is killed comes back by itself, nothing of it is left behind, and sessions have their events', async (t) => {
  const end = clock.elapsed() + SECONDS * 1000;
  const using = devices.map(async (device) => {
    while (clock.elapsed() < end) await tryOnce(device);
  });
  while (clock.elapsed() < end) {
    killOne();
    await delay(EVERY);
  }
  await Promise.all(using);
  await waitUntil('all programs run', () => programs().every(({ child }) => child.running), 120_000);
  for (const device of devices) await waitUntil(`${device.protocol} is back`, () => tryOnce(device), 180_000);
  assert.ok(killed.length >= SECONDS / 10 && served > 0, `${killed.length} killed, ${served} pages`);
  assert.deepEqual(
    killed.filter(({ pid, since }) => runningAs(pid)?.since === since),
    [],
  );
  assert.deepEqual(orphans(), []);
  for (const { client, protocol } of devices) if (protocol !== 'wireguard') await client?.disconnect();
  const enough = async () => {
    const { sessions, events } = await sessionsAndEvents();
    return events >= Math.ceil(sessions * 0.99);
  };
  const counted = await waitUntil('sessions have their events', enough, 120_000).catch((error: unknown) => error);
  const { sessions, events } = await sessionsAndEvents();
  t.diagnostic(`${killed.length} killed, ${served} pages, ${sessions} sessions, ${events} events`);
  assert.equal(counted, true);
});
