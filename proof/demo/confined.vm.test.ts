// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import type { GatewayPlan } from '../../src/contracts/plan/plan.ts';
import { systemClock as clock } from '../../src/core/clock/clock.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import { systemRandom as random } from '../../src/core/random/random.ts';
import type { Machine } from '../../src/host/machines/machine.os.ts';
import { afterFirmware } from '../../src/host/machines/serial-console.ts';
import { run } from '../../src/host/processes/process.os.ts';
import { ikev2Name, swanctl } from '../labs/clients/client.os.ts';
import { type Visitor, visitorAt, type Welcome } from '../labs/customers/visitor.ts';
import { builtImage } from '../labs/image/built-image.os.ts';
import { homeAddress } from '../labs/internet/world.os.ts';
import { signedRelease, testService } from './released.os.ts';
import { openScene, type Scene } from './scene.os.ts';
import { connect, type Device, makeDevices, type Profiles, takeProfiles, use } from './sessions.os.ts';
import { Steady, type Toll } from './steady.os.ts';

/*
 * The whole service with the image for tests, whose root image is the release's. Three stock clients are connected
 * through its confined daemons and never pause, while everything happens that happens to a gateway in its life.
 */

const directory = mkdtempSync(join(tmpdir(), 'lethe-confined-'));
// The database and the activator run as users of their own.
chmodSync(directory, 0o711);
const at = (name: string) => join(directory, name);

/** Milliseconds, for machines much slower than ours. */
const TIMEOUT = 300_000;
/** Datagrams of a tunnel that may be lost where nothing has to be: two seconds of them. */
const FEW = 40;
/**
 * Datagrams that a client may lose while it moves: thirty seconds of them. wireguard-go sends from the address that it
 * remembers until it shakes hands anew, fifteen seconds later.
 */
const MOVING = 600;
/** Seconds between new data keys, in the OpenVPN client's own file. A gateway asks for them once an hour. */
const RENEGOTIATION = 60;

/** Long-running services; each is confined by the profile of its name. */
const DAEMONS = ['resolver', 'openvpn-udp', 'openvpn-tcp', 'charon', 'wireguard', 'agent'] as const;

/** The first two must stay blank; the third shows that a byte would be seen. */
const DISKS = ['disk-a', 'disk-b', 'disk-control'].map(at);

let scene: Scene;
let customer: Visitor;
let welcome: Welcome;
let profiles: Profiles;
let devices: Device[];
const traffic = new Map<Device, Steady>();

before(async () => {
  const operator = await testService(at('data'));
  const { probe } = await builtImage({ operator });
  for (const disk of DISKS) await run(['truncate', '-s', '64M', disk]);
  scene = await openScene({
    clock,
    random,
    release: '0.1.0',
    listen: { host: '127.0.0.1', port: 0 },
    terminal: { write: () => undefined, interactive: false },
    wireguardIdle: 2 * TIMEOUT,
    image: await signedRelease(at('signing'), [probe, probe]),
    hardware: { disks: DISKS, processors: 1 },
    directory: at('data'),
  });
  customer = visitorAt(scene.service.portal);
  welcome = await customer.signUp();
  const { openvpn, ...rest } = await takeProfiles(customer, plan());
  profiles = { ...rest, openvpn: `${openvpn}\nreneg-sec ${RENEGOTIATION}\n` };
  devices = await makeDevices(scene.world, plan(), random);
  await Steady.answering(scene.world);
  for (const device of devices) {
    device.client = await connect(device, profiles, welcome);
    await use(device, plan());
    traffic.set(device, await Steady.start(device.machine.namespace));
  }
});
after(async () => {
  await scene?.close();
  rmSync(directory, { recursive: true, force: true });
});

const plan = () => scene.service.gateway?.plan as GatewayPlan;
const machine = () => scene.service.gateway?.machine?.image.machine as Machine;
const guest = (command: string) => machine().probe.text(command);
const device = (protocol: Device['protocol']) => devices.find((one) => one.protocol === protocol) as Device;
const namespace = (protocol: Device['protocol']) => device(protocol).machine.namespace;

/** Asks until the guest's answer is as wanted. */
async function guestSays(command: string, wanted: RegExp): Promise<void> {
  const says = async () => wanted.test((await machine().probe.run(command)).output.toString());
  await waitUntil(`${command} says ${wanted} in the guest`, says, TIMEOUT);
}

/** Lets something happen to all sessions at once, and says what it cost each. */
async function across(what: string, { context, event }: { context: TestContext; event: Promise<unknown> }) {
  const tolls = new Map<Device['protocol'], Toll>();
  const counting = [...traffic].map(async ([{ protocol }, steady]) => tolls.set(protocol, await steady.across(event)));
  await Promise.all(counting);
  for (const [protocol, { lost, sent, bytes }] of tolls)
    context.diagnostic(
      `${what}: ${protocol} lost ${lost} of ${sent} datagrams, and its connection brought ${bytes} bytes`,
    );
  return tolls;
}

/** The same for what no client should notice. */
async function unnoticed(what: string, context: TestContext, event: Promise<unknown>): Promise<void> {
  for (const [protocol, { lost, bytes }] of await across(what, { context, event })) {
    assert.ok(lost <= FEW, `${what}: ${protocol} lost ${lost} datagrams`);
    assert.ok(bytes > 0, `${what}: ${protocol} brought nothing`);
  }
}

const pidOf = async (daemon: string) => (await guest(`systemctl show -P MainPID lethe-${daemon}`)).trim();
const threeSeats = () => waitUntil('three seats are taken', async () => (await customer.seats()).used === 3, TIMEOUT);

/** What AppArmor denied in this boot, one line of the kernel's each. */
async function denied(): Promise<string[]> {
  const lines = (await guest('dmesg')).split('\n');
  // None was overwritten, and none left out.
  assert.match(lines[0] ?? '', /Linux version/);
  assert.doesNotMatch(lines.join('\n'), /kauditd\w*: \d+ callbacks suppressed|audit_lost=/);
  return lines.filter((line) => line.includes('apparmor="DENIED"'));
}

test('three sessions are carried by daemons that are confined and filtered', async () => {
  await threeSeats();
  for (const daemon of DAEMONS) {
    const pid = await pidOf(daemon);
    assert.equal(await guest(`cat /proc/${pid}/attr/apparmor/current`), `lethe-${daemon} (enforce)\n`);
    assert.match(await guest(`cat /proc/${pid}/status`), /^NoNewPrivs:\t1\nSeccomp:\t2$/m, daemon);
  }
});

/** Numbers of the IKE_SA and of the CHILD_SAs, which change when they are made anew. */
async function associations(): Promise<string> {
  const listed = await swanctl(namespace('ikev2'), '--list-sas');
  return [...listed.matchAll(/^ {0,2}\S+: #\d+, .*(?:ESTABLISHED|INSTALLED)/gm)].map(([line]) => line).join('\n');
}

test('IKE_SA and CHILD_SA are rekeyed, by the client and by the gateway', async (context) => {
  const name = ikev2Name(profiles.swanctl);
  const uri = '--uri unix:///run/lethe/charon/charon.vici';
  const gateway = (words: string) =>
    guest(`STRONGSWAN_CONF=/etc/lethe/swanctl-programs.conf swanctl --rekey ${words} ${uri}`);
  const rekeyings: readonly [string, () => Promise<unknown>][] = [
    ['CHILD_SA, by the client', () => swanctl(namespace('ikev2'), '--rekey', '--child', name)],
    ['IKE_SA, by the client', () => swanctl(namespace('ikev2'), '--rekey', '--ike', name)],
    ['CHILD_SA, by the gateway', () => gateway('--child tunnel')],
    ['IKE_SA, by the gateway', () => gateway('--ike lethe')],
  ];
  for (const [what, rekey] of rekeyings) {
    const before = await associations();
    const done = rekey().then(() =>
      waitUntil(`there are new keys (${what})`, async () => (await associations()) !== before, TIMEOUT),
    );
    await unnoticed(what, context, done);
  }
});

test('connections, firewall and resolver are loaded anew', async (context) => {
  const charon = await pidOf('charon');
  await unnoticed('swanctl', context, guest('systemctl restart lethe-swanctl'));
  assert.equal(await pidOf('charon'), charon);
  const loaded = `printf 'exec lethe-firewall' >/proc/self/attr/apparmor/exec && exec nft --file /run/lethe/firewall.nft`;
  await unnoticed('firewall', context, guest(`( ${loaded} )`));
  const resolver = guest('systemctl restart lethe-resolver').then(() => guestSays('cat /proc/net/udp', /:0035 /));
  await unnoticed('resolver', context, resolver);
  for (const one of devices) await use(one, plan());
});

const handshake = () => namespace('wireguard').run(['wg', 'show', 'wg0', 'latest-handshakes']);

test('each client comes from another address, and its session goes with it', async (context) => {
  const before = await handshake();
  for (const [index, { protocol, machine: home, address }] of devices.entries()) {
    const to = homeAddress(random, index + 1);
    const event = scene.world.move(home.namespace, `c${index}`, address, to);
    for (const [whose, { lost }] of await across(`move of ${protocol}`, { context, event })) {
      assert.ok(lost <= (whose === protocol ? MOVING : FEW), `${whose} lost ${lost} datagrams while ${protocol} moved`);
    }
  }
  assert.notEqual(await handshake(), before);
  await threeSeats();
});

const renegotiations = () => (device('openvpn').client?.output() ?? '').split('Control Channel: TLSv1').length - 1;

test('OpenVPN makes new data keys', async (context) => {
  const before = renegotiations();
  await unnoticed(
    'renegotiation',
    context,
    waitUntil('there are new keys', () => renegotiations() > before, TIMEOUT),
  );
});

test('the agent is killed, and its successor finds the sessions', async (context) => {
  const pid = await pidOf('agent');
  const successor = async () => {
    await guest(`kill -9 ${pid}`);
    await guestSays('systemctl show -P MainPID lethe-agent', new RegExp(`^(?!0$|${pid}$)\\d+$`, 'm'));
    // Where heartbeats come in: 10.65.0.1:8440.
    await guestSays('cat /proc/net/tcp', /: 0100410A:20F8 /);
  };
  await unnoticed('agent', context, successor());
  await threeSeats();
});

test('a machine that proves itself again has another certificate, for which OpenVPN alone is away for a moment', async (context) => {
  const certificate = async () => (await machine().probe.file('/run/lethe/keys/server.crt')).toString();
  const [first, openvpn, charon] = [await certificate(), await pidOf('openvpn-udp'), await pidOf('charon')];
  const restarted = device('openvpn');
  const connections = () => restarted.client?.output().match(/Initialization Sequence Completed/g)?.length ?? 0;
  const connected = connections();
  // Its sessions end with it, and flows with their sessions: a client that comes back may get the address of another.
  await traffic.get(restarted)?.stop();
  traffic.delete(restarted);
  const renewal = async () => {
    await guest('systemctl start lethe-renewal');
    await guestSays('systemctl show -P MainPID lethe-openvpn-udp', new RegExp(`^(?!0$|${openvpn}$)\\d+$`, 'm'));
    await guestSays('systemctl is-active lethe-swanctl', /^active$/m);
    await waitUntil('OpenVPN is back', () => connections() > connected, TIMEOUT);
  };
  const tolls = await across('renewal', { context, event: renewal() });
  for (const protocol of ['ikev2', 'wireguard'] as const) assert.ok((tolls.get(protocol)?.lost ?? FEW) < FEW, protocol);
  assert.notEqual(await certificate(), first);
  assert.equal(await pidOf('charon'), charon);
  for (const one of devices) await use(one, plan());
  traffic.set(restarted, await Steady.start(restarted.machine.namespace));
});

test('customers leave, and of each session that has ended there is an event', async () => {
  for (const steady of traffic.values()) await steady.stop();
  for (const { client } of devices) await client?.disconnect();
  const events = async () =>
    (await customer.remembered()).filter(({ store }) => store === 'database.usage_events').length;
  // OpenVPN came back once. WireGuard says no goodbye, and its session is given up later.
  await waitUntil('there are three events', async () => (await events()) === 3, TIMEOUT);
});

test('in all of this nothing was denied; a thing that is to be denied would have been seen', async () => {
  assert.deepEqual(await denied(), []);
  assert.equal(await guest('systemctl --failed --no-legend --plain'), '');
  const attack = `printf 'exec lethe-resolver' >/proc/self/attr/apparmor/exec && exec unbound -d -c /run/lethe/agent.json`;
  await machine().probe.run(`( ${attack} )`);
  assert.match((await denied()).join('\n'), /profile="lethe-resolver" name="\/run\/lethe\/agent\.json"/);
});

test('the image for tests speaks on the console, where a release is silent', () => {
  assert.match(afterFirmware(machine().console.text) ?? '', /lethe-initrd: verified every block/);
});

test('two blank disks are blank after the traffic and after power-off; a byte would have been seen', async () => {
  await guest('sync');
  assert.deepEqual(DISKS.map(isBlank), [true, true, true]);
  await guest('printf x | dd of=/dev/vdc bs=1 seek=50000000 conv=notrunc; sync');
  await machine().powerOff();
  assert.deepEqual(DISKS.map(isBlank), [true, true, false]);
});

function isBlank(disk: string): boolean {
  const bytes = readFileSync(disk);
  assert.equal(bytes.length, 64 << 20);
  return bytes.equals(Buffer.alloc(bytes.length));
}
