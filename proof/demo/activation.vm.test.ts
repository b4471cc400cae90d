// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ActivatorStore } from '../../src/activator/activator.store.ts';
import { GATEWAY_FILES, type GatewayPlan } from '../../src/contracts/plan/plan.ts';
import { isoName } from '../../src/contracts/release/publication.ts';
import { systemClock as clock } from '../../src/core/clock/clock.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import { systemRandom as random } from '../../src/core/random/random.ts';
import { CARDS } from '../../src/host/machines/cabling.os.ts';
import { type Machine, startMachine } from '../../src/host/machines/machine.os.ts';
import { BLANK_VARIABLES } from '../../src/host/machines/qemu.ts';
import { outside, place } from '../../src/host/namespaces/place.os.ts';
import { run } from '../../src/host/processes/process.os.ts';
import { readBuild } from '../../src/image/build/build.os.ts';
import type { HostedGateway } from '../../src/onebox/hosted.os.ts';
import { visitorAt, type Welcome } from '../labs/customers/visitor.ts';
import { type BuiltImage, builtImage } from '../labs/image/built-image.os.ts';
import { signedRelease, testService } from './released.os.ts';
import { openScene, type Scene } from './scene.os.ts';
import { connect, type Device, makeDevices, type Profiles, takeProfiles, use } from './sessions.os.ts';

/*
 * What becomes of a gateway after it was activated, in a virtual machine that obeys the test: it renews its certificate
 * under its customers, proves itself on its schedule, and ends when its proof is refused. Its next boot, without
 * Secure Boot and not enrolled, is refused over the network; and then a bit of its system changes in RAM.
 */
const directory = mkdtempSync(join(tmpdir(), 'lethe-activation-'));
// The database and the activator run as users of their own.
chmodSync(directory, 0o711);
const at = (name: string) => join(directory, name);
const DATA = at('data');
const POLICY = join(DATA, 'activator/policy.json');
const CONFIG = join(DATA, 'activator/activator.json');
const MEMORY = `/dev/shm/${directory.slice(-6)}`;
/** Milliseconds. An emulated machine on a busy host is slow. */
const TIMEOUT = 400_000;

let built: BuiltImage;
let scene: Scene;
let devices: Device[];
let profiles: Profiles;
let welcome: Welcome;

before(async () => {
  built = await builtImage({ operator: await testService(DATA) });
  scene = await openScene({
    clock,
    random,
    release: '0.1.0',
    listen: { host: '127.0.0.1', port: 0 },
    terminal: { write: () => undefined, interactive: false },
    image: await signedRelease(directory, [built.probe, built.probe]),
    hardware: { processors: 1 },
    directory: DATA,
  });
  const customer = visitorAt(scene.service.portal);
  welcome = await customer.signUp();
  profiles = await takeProfiles(customer, plan());
  devices = await makeDevices(scene.world, plan(), random);
});
after(async () => {
  for (const device of devices ?? []) await device.client?.disconnect();
  await scene?.close();
  rmSync(MEMORY, { force: true });
  rmSync(directory, { recursive: true, force: true });
});

const plan = () => scene.service.gateway?.plan as GatewayPlan;
const hosted = () => scene.service.gateway?.machine as HostedGateway;
const machine = () => hosted().image.machine;
const text = (command: string) => machine().probe.text(command);
const device = (protocol: Device['protocol']) => devices.find((known) => known.protocol === protocol) as Device;

async function said(line: string): Promise<void> {
  await waitUntil(`somebody says ${line}`, () => scene.said().includes(line), TIMEOUT);
}

function lethe(...argv: string[]): Promise<string> {
  const program = new URL('../../cmd/lethe.ts', import.meta.url).pathname;
  return run([process.execPath, '--disable-warning=ExperimentalWarning', program, ...argv]);
}

/** Has stock OpenVPN write down the serial number of each certificate that it is shown. */
function withWitness(profile: string): string {
  const { namespace } = device('openvpn').machine;
  place(namespace, '/run/client/witness', 'test "$1" != 0 || echo "$tls_serial_hex_0" >>/run/client/serials\n');
  return `${profile}\nscript-security 2\ntls-verify "/bin/sh /run/client/witness"\n`;
}

const normal = (serial: string) => serial.replaceAll(':', '').toUpperCase();

/** Serial numbers of the certificates that the OpenVPN client met, in their order. It may meet one more than once. */
function met(): string[] {
  const serials = readFileSync(outside(device('openvpn').machine.namespace, '/run/client/serials'), 'utf8');
  return [...new Set(serials.trim().split('\n').map(normal))];
}

/** Serial number of the gateway's certificate as the IKEv2 client knows it. */
async function metByIkev2(): Promise<string[]> {
  const uri = ['--uri', 'unix:///run/client/charon.vici'];
  const certificates = await device('ikev2').machine.namespace.run(['swanctl', '--list-certs', ...uri]);
  return Array.from(certificates.matchAll(/^ +serial: +([0-9a-f:]+)$/gm), ([, serial = '']) => normal(serial));
}

async function serial(): Promise<string> {
  return new X509Certificate(await machine().probe.file(GATEWAY_FILES.serverCertificate)).serialNumber;
}

/** Whether somebody outside gets through to OpenVPN's TCP port. */
async function answers(): Promise<boolean> {
  const knock = `exec 3<>/dev/tcp/${plan().address4}/443`;
  return await scene.world.router.run(['timeout', '5', 'bash', '-c', knock]).then(
    () => true,
    () => false,
  );
}

test('a renewed certificate reaches customers, WireGuard does not notice, and OpenVPN comes back by itself', async () => {
  for (const each of devices) {
    const shown = { ...profiles, openvpn: withWitness(profiles.openvpn) };
    each.client = await connect(each, shown, welcome);
    await use(each, plan());
  }
  assert.ok(await answers());
  const first = await serial();
  assert.deepEqual(met(), [first]);
  assert.ok((await metByIkev2()).includes(first));
  const link = await text('cat /sys/class/net/wg0/ifindex');

  await text('systemctl start lethe-renewal');
  const second = await serial();
  assert.notEqual(second, first);
  const { client } = device('openvpn');
  const connections = () => client?.output().match(/Initialization Sequence Completed/g)?.length ?? 0;
  await waitUntil('OpenVPN is back', () => connections() === 2 && met().length === 2, TIMEOUT);
  assert.deepEqual(met(), [first, second]);
  for (const each of devices) await use(each, plan());
  assert.equal(await text('cat /sys/class/net/wg0/ifindex'), link);

  // An IKEv2 session lives on with what it was shown; who connects now is shown the new certificate.
  const ikev2 = device('ikev2');
  await ikev2.client?.disconnect();
  ikev2.client = await connect(ikev2, profiles, welcome);
  const known = await metByIkev2();
  assert.ok(known.includes(second) && !known.includes(first));
});

test('a proof on schedule looks at the machine first, disturbs nobody, and is written down', async () => {
  const before = await text('systemctl show -P MainPID lethe-openvpn-udp lethe-charon lethe-agent');
  assert.match(await text('systemctl list-timers --all --no-legend'), / lethe-attestation\.timer /);
  await text('systemctl start lethe-attestation');
  assert.equal(await text('systemctl show -P Result -P ExecMainStatus lethe-integrity'), 'success\n0\n');
  await said('{"code":"machine_attested","gateway":"demo-01"}');
  assert.match(await lethe('gateway', 'list', '--activator', CONFIG), /^ {2}proved itself within the hour$/m);
  assert.equal(await text('systemctl show -P MainPID lethe-openvpn-udp lethe-charon lethe-agent'), before);
  for (const each of devices) await use(each, plan());
});

test('nothing that can be written can be executed; and where somebody made it so, it is found', async () => {
  for (const place of ['/tmp', '/run', '/run/lethe', '/dev', '/dev/shm', '/var/tmp']) {
    const tried = await machine().probe.run(`cp /usr/bin/sleep ${place}/tried && ${place}/tried 0; rm ${place}/tried`);
    assert.match(tried.output.toString(), /Permission denied|Read-only file system/, place);
  }
  const look = '/usr/lib/lethe/integrity /dev/dm-0 /usr/lib/lethe/executables';
  assert.equal((await machine().probe.run(`${look} /usr/lib/lethe-probe/busybox`)).code, 0);
  const probe = await machine().probe.run(look);
  assert.deepEqual(
    [probe.code, probe.output.toString()],
    [1, '/usr/lib/lethe-probe/busybox is executed and is no file of the root image\n'],
  );
  // Root takes back the read-only root, which no service may.
  await text('mount -o remount,rw / && cp /usr/bin/sleep /usr/bin/sh2');
  assert.equal(await text('systemctl show -P FailureAction lethe-integrity'), 'reboot-immediate\n');
  const drop = '/run/systemd/system/lethe-integrity.service.d';
  await text(
    `mkdir -p ${drop} && printf '[Unit]\\nFailureAction=none\\n' >${drop}/90-test.conf && systemctl daemon-reload`,
  );
  await text('/usr/bin/sh2 1000000 </dev/null >/dev/null 2>&1 & echo $! >/run/stranger');
  const stopped = await machine().probe.run('systemctl start lethe-attestation');
  assert.notEqual(stopped.code, 0, 'no proof without the look');
  assert.equal(await text('systemctl show -P Result -P ExecMainStatus lethe-integrity'), 'exit-code\n1\n');
  // Where the unit may not reset the machine, as here, the proof that could not be made ends the boot.
  assert.match(await text('systemctl show -P ActiveState lethe-reboot'), /^activ(?:e|ating)$/m);
  await text('systemctl stop lethe-reboot');
  await text(`kill $(cat /run/stranger) && rm /usr/bin/sh2 ${drop}/90-test.conf && systemctl daemon-reload`);
  await text('systemctl start lethe-attestation');
});

test('a gateway whose release is revoked while it serves ends its boot', async () => {
  const shipped = await text('systemctl show -p RuntimeMaxUSec,RuntimeRandomizedExtraUSec,FailureAction lethe-reboot');
  assert.deepEqual(shipped.trim().split('\n').toSorted(), [
    'FailureAction=reboot',
    'RuntimeMaxUSec=1min',
    'RuntimeRandomizedExtraUSec=4min',
  ]);
  // However often systemd reads its units meanwhile.
  const drop = '/run/systemd/system/lethe-reboot.service.d';
  const soon = '[Service]\\nRuntimeMaxSec=10s\\nRuntimeRandomizedExtraSec=20s\\n';
  await text(`mkdir -p ${drop} && printf '${soon}' >${drop}/90-test.conf`);
  await text('while systemctl daemon-reload; do date >>/run/reloads; sleep 1; done </dev/null >/dev/null 2>&1 &');
  await waitUntil(
    'the units are read again and again',
    async () => Number(await text('cat /run/reloads 2>/dev/null | wc -l')) > 2,
    TIMEOUT,
  );
  const policy = readFileSync(POLICY, 'utf8');
  const { version } = readBuild(built.probe);
  await lethe('policy', 'revoke', version, '--policy', POLICY);
  await text('systemctl start --no-block lethe-attestation');
  await said('{"code":"machine_refused","gateway":"demo-01","reason":"release_revoked"}');
  await machine().off;
  assert.ok(!(await answers()));
  writeFileSync(POLICY, policy);
});

/** That a machine was given nothing, and that nothing on it can be reached. */
async function assertNothingGiven({ probe }: Machine): Promise<void> {
  const found = await probe.text('find /run/lethe -type f -o -type s | sort');
  assert.deepEqual(
    found
      .trim()
      .split('\n')
      .filter((path) => !path.startsWith('/run/lethe/activation/')),
    [],
  );
  // Keys that it made itself wait there for a certificate; secrets of the service are nowhere.
  assert.match(found, /^\/run\/lethe\/activation\/fresh\.json$/m);
  const listening = await probe.text('cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6');
  const ports = Array.from(listening.matchAll(/^ *\d+: [0-9A-F]+:([0-9A-F]{4}) 0+:0000 /gm), ([, port]) => port);
  assert.deepEqual([...new Set(ports)], ['0044'], 'DHCP alone');
  assert.ok(!(await answers()));
}

/** Changes one bit in each copy of a block that the machine's memory holds; gives how many there were. */
function flip(block: Buffer): number {
  const piece = Buffer.alloc(1 << 24);
  const file = openSync(MEMORY, 'r+');
  let copies = 0;
  try {
    for (let offset = 0; offset < statSync(MEMORY).size; offset += piece.length) {
      readSync(file, piece, 0, piece.length, offset);
      for (let page = 0; page < piece.length; page += block.length) {
        if (piece.compare(block, 0, block.length, page, page + block.length) !== 0) continue;
        writeSync(file, Uint8Array.of((block[100] as number) ^ 4), 0, 1, offset + page + 100);
        copies += 1;
      }
    }
  } finally {
    closeSync(file);
  }
  return copies;
}

test('a machine without Secure Boot, enrolled or not, is refused; a bit that changes in its RAM ends it', async () => {
  const record = scene.service.gateway as NonNullable<typeof scene.service.gateway>;
  const store = new ActivatorStore(join(DATA, 'activator/store/activator.sqlite'));
  const enrolled = store.gateway('demo-01') ?? assert.fail();
  assert.ok(store.forget('demo-01'));
  const { version, hashOffset } = readBuild(built.probe);
  const stranger = await startMachine({
    variables: readFileSync(BLANK_VARIABLES),
    medium: { file: at(`release/${isoName(version, 'probe')}`), as: 'cd' },
    tpm: join(DATA, 'machine/tpm'),
    memoryFile: MEMORY,
    processors: 1,
    cards: CARDS,
    vmNamespace: record.namespace,
  });
  try {
    await stranger.probe.ready;
    await said('{"code":"machine_refused","gateway":"unknown","reason":"ek_unknown"}');
    await assertNothingGiven(stranger);
    assert.ok(store.enrol(enrolled));
    await said('{"code":"machine_refused","gateway":"demo-01","reason":"secure_boot"}');
    await assertNothingGiven(stranger);

    await stranger.probe.text('systemctl start lethe-integrity');
    const start = Math.floor((hashOffset * 0.7) / 4096) * 4096;
    const block = readFileSync(join(built.probe, 'root.img')).subarray(start, start + 4096);
    await stranger.monitor.execute('stop');
    assert.ok(flip(block) >= 1, 'the block lies in RAM');
    await stranger.monitor.execute('cont');
    await stranger.probe.text('true');
    const looked = stranger.probe.text('systemctl start lethe-integrity');
    await assert.rejects(looked, /the machine is off/);
    await stranger.off;
    assert.match(stranger.console.text, /dm-verity device corrupted/);
  } finally {
    store.close();
    await stranger.close();
  }
});
