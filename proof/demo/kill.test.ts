// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { systemClock as clock } from '../../src/core/clock/clock.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import { systemRandom as random } from '../../src/core/random/random.ts';
import type { RunningGateway } from '../../src/onebox/gateway.os.ts';
import type { Service } from '../../src/onebox/service.os.ts';
import type { Supervised } from '../../src/onebox/supervisor.ts';
import { type Visitor, visitorAt, type Welcome } from '../labs/customers/visitor.ts';
import { openScene, type Scene } from './scene.os.ts';
import { connect, type Device, makeDevices, type Profiles, takeProfiles, use } from './sessions.os.ts';

/** Kill -9 of each program while three customers' sessions are live: each time, what was promised still holds. */
let scene: Scene;
let customer: Visitor;
let welcome: Welcome;
let profiles: Profiles;
let devices: Device[];

const gateway = () => scene.service.gateway as NonNullable<Service['gateway']>;
const running = () => gateway().running as RunningGateway;
const device = (protocol: Device['protocol']) => devices.find((one) => one.protocol === protocol) as Device;
const page = (protocol: Device['protocol']) => use(device(protocol), gateway().plan);
const seats = (used: number) =>
  waitUntil(
    `${used} seats are taken`,
    async () => (await customer.seats().catch(() => undefined))?.used === used,
    180_000,
  );
/** How many usage events of a protocol there are. */
const events = async (protocol: string) =>
  (await customer.remembered()).filter(
    ({ store, fields }) => store === 'database.usage_events' && fields.some(({ value }) => value === protocol),
  ).length;
const event = (protocol: string, count: number) =>
  waitUntil(`there are ${count} events of ${protocol}`, async () => (await events(protocol)) === count, 180_000);

/** Kills a program and waits until its successor runs. */
async function kill(program: Supervised): Promise<void> {
  const { pid } = program.child;
  program.child.signal('SIGKILL');
  await waitUntil(`${program.name} is back`, () => program.child.running && program.child.pid !== pid, 120_000);
}

before(async () => {
  scene = await openScene({
    clock,
    random,
    release: '0.1.0',
    wireguardIdle: 180_000,
    listen: { host: '127.0.0.1', port: 0 },
    terminal: { write: () => undefined, interactive: false },
  });
  customer = visitorAt(scene.service.portal);
  welcome = await customer.signUp();
  profiles = await takeProfiles(customer, gateway().plan);
  devices = await makeDevices(scene.world, gateway().plan, random);
  for (const one of devices) one.client = await connect(one, profiles, welcome);
  for (const one of devices) await use(one, gateway().plan);
  await seats(3);
});
after(async () => {
  await scene.close();
});

test('the agent: sessions live on, and its successor takes them over', async () => {
  await kill(running().program('agent'));
  for (const { protocol } of devices) await page(protocol);
  await seats(3);
  for (const protocol of ['openvpn-udp', 'ikev2', 'wireguard']) assert.equal(await events(protocol), 0, protocol);
});

test('control: tunnels go on, and the seats fill again', async () => {
  scene.service.control.child.signal('SIGKILL');
  for (const { protocol } of devices) await page(protocol);
  await seats(3);
});

test('control away: a login is still decided from memory', async () => {
  await device('openvpn').client?.disconnect();
  scene.service.control.child.signal('SIGSTOP');
  try {
    device('openvpn').client = await connect(device('openvpn'), profiles, welcome);
    await page('openvpn');
  } finally {
    scene.service.control.child.signal('SIGCONT');
  }
  await seats(3);
  await event('openvpn-udp', 1);
});

test('the database: customers are known again as soon as it is back', async () => {
  await kill(scene.service.database.program);
  await waitUntil(
    'the account is known',
    () =>
      customer.read('/account').then(
        (text) => text.includes('3 of 5'),
        () => false,
      ),
    120_000,
  );
  await page('ikev2');
});

test('OpenVPN: its session ends with an event, and the client comes back by itself', async () => {
  await kill(running().program('openvpn-udp'));
  await event('openvpn-udp', 2);
  await waitUntil(
    'the client is back',
    () =>
      page('openvpn').then(
        () => true,
        () => false,
      ),
    120_000,
  );
  await seats(3);
});

test('charon: its session ends with an event, and the client can come back', async () => {
  await kill(running().program('charon'));
  await event('ikev2', 1);
  await device('ikev2').client?.disconnect();
  device('ikev2').client = await connect(device('ikev2'), profiles, welcome);
  await page('ikev2');
});

test('WireGuard: its session ends with an event, and the peers are there again', async () => {
  await kill(running().program('wireguard-go'));
  await event('wireguard', 1);
  await waitUntil(
    'the client is back',
    () =>
      page('wireguard').then(
        () => true,
        () => false,
      ),
    60_000,
  );
});

test('the resolver: names are answered again', async () => {
  await kill(running().program('unbound'));
  await page('openvpn');
});
