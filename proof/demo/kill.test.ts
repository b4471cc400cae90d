// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { systemClock as clock } from '../../src/core/clock/clock.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import { systemRandom as random } from '../../src/core/random/random.ts';
import { runningAs } from '../../src/host/processes/running.os.ts';
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
const back = (protocol: Device['protocol']) =>
  page(protocol).then(
    () => true,
    () => false,
  );
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

/** Kills what starts a program inside the gateway and stays in front of it. */
async function killLauncher(program: Supervised): Promise<void> {
  const { pid } = program.child;
  process.kill(Number(statusOf(pid, 'PPid')), 'SIGKILL');
  await waitUntil(`the former ${program.name} is gone`, () => runningAs(pid) === undefined, 20_000);
  await waitUntil(`${program.name} is back`, () => program.child.running && program.child.pid !== pid, 120_000);
}

function statusOf(pid: number, field: string): string {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return new RegExp(`^${field}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? '';
}

const programs = () => [scene.service.database.program, scene.service.control, ...running().programs];

/** What each may do that serves; all others may do nothing. */
const RIGHTS: Readonly<Record<string, string>> = {
  unbound: 'net_bind_service',
  'openvpn-udp': 'net_bind_service net_admin',
  'openvpn-tcp': 'net_bind_service net_admin',
  charon: 'net_admin',
  'wireguard-go': 'net_admin',
  flows: 'net_admin',
};
/** What these had when they began. They have given up the rest by themselves, and cannot get it again. */
const GAVE_UP: Readonly<Record<string, string>> = {
  agent: 'dac_read_search setgid setuid',
  control: 'dac_read_search setgid setuid',
  charon: 'net_bind_service net_admin net_raw',
};
const BITS: Readonly<Record<string, number>> = {
  dac_read_search: 2,
  setgid: 6,
  setuid: 7,
  net_bind_service: 10,
  net_admin: 12,
  net_raw: 13,
};
const bits = (names: string) =>
  names
    .split(' ')
    .reduce((sum, name) => sum | (1 << (BITS[name] ?? Number.NaN)), 0)
    .toString(16)
    .padStart(16, '0');

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

test('no program has more rights than it needs, can get more, or leaves its memory on a disk', () => {
  const none = '0'.repeat(16);
  for (const { name, child } of programs()) {
    const is = (field: string) => statusOf(child.pid, field);
    assert.equal(is('NoNewPrivs'), '1', name);
    assert.equal(is('Seccomp'), '2', name);
    assert.doesNotMatch(is('Uid'), /\b0\b/, name);
    assert.equal(is('Groups'), '', name);
    const kept = name in RIGHTS ? bits(RIGHTS[name] ?? '') : none;
    for (const field of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) assert.equal(is(field), kept, `${name} ${field}`);
    assert.equal(is('CapBnd'), name in GAVE_UP ? bits(GAVE_UP[name] ?? '') : kept, name);
    const limits = readFileSync(`/proc/${child.pid}/limits`, 'utf8');
    assert.match(limits, /^Max core file size +1 +1 +bytes/m, name);
  }
});

test("OpenVPN cannot read what charon shares with the agent, and charon none of OpenVPN's keys", async () => {
  const { namespace } = gateway();
  const reads = (name: string, file: string) => {
    const [uid, gid] = ['Uid', 'Gid'].map((field) =>
      Number.parseInt(statusOf(running().program(name).child.pid, field), 10),
    );
    return namespace.run(['cat', `/run/lethe/keys/${file}`], { user: { uid: uid ?? 0, gid: gid ?? 0 } });
  };
  await assert.rejects(reads('openvpn-udp', 'radius.secret'), /Permission denied/);
  for (const key of ['server.key', 'auth-token.key', 'tls-crypt.key']) {
    await assert.rejects(reads('charon', key), /Permission denied/, key);
    assert.ok((await reads('openvpn-udp', key)).length > 0, key);
  }
  assert.ok((await reads('charon', 'radius.secret')).length > 0);
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
  await waitUntil('the client is back', () => back('openvpn'), 120_000);
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
  await waitUntil('the client is back', () => back('wireguard'), 60_000);
});

test('the resolver: names are answered again', async () => {
  await kill(running().program('unbound'));
  await page('openvpn');
});

test('launchers: a program goes with its launcher, and its successor serves', async () => {
  for (const program of running().programs) await killLauncher(program);
  await device('ikev2').client?.disconnect();
  device('ikev2').client = await connect(device('ikev2'), profiles, welcome);
  for (const { protocol } of devices) await waitUntil(`${protocol} is back`, () => back(protocol), 120_000);
  await seats(3);
});
