// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Operator } from '../../src/contracts/activation/operator.ts';
import type { GatewayPlan } from '../../src/contracts/plan/plan.ts';
import { systemClock as clock } from '../../src/core/clock/clock.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import { systemRandom as random } from '../../src/core/random/random.ts';
import { afterFirmware } from '../../src/host/machines/serial-console.ts';
import { buildImage, readBuild } from '../../src/image/build/build.os.ts';
import type { HostedGateway } from '../../src/onebox/hosted.os.ts';
import { type Visitor, visitorAt, type Welcome } from '../labs/customers/visitor.ts';
import { type BuiltImage, builtImage, differing, unpackRoot } from '../labs/image/built-image.os.ts';
import { SILENT, signedRelease, testService } from './released.os.ts';
import { openScene, type Scene } from './scene.os.ts';
import { connect, type Device, makeDevices, type Profiles, takeProfiles, use } from './sessions.os.ts';

/** From the sources to six fields: build, two builders, signature, boot, proof, sessions, power-off, and again. */
const directory = mkdtempSync(join(tmpdir(), 'lethe-image-'));
// The database and the activator run as users of their own.
chmodSync(directory, 0o711);
const at = (name: string) => join(directory, name);
const DATA = at('data');
const TIMEOUT = 400_000;

/** Lines for people who watch. */
const shown: string[] = [];
let operator: Operator;
let built: BuiltImage;
let scene: Scene;
let profiles: Profiles;
let devices: Device[];
let customer: Visitor;
let welcome: Welcome;

/** Two builders come to the same bytes, and the operator's token signs them. Gives the release directory. */
async function release(): Promise<string> {
  operator = await testService(DATA);
  built = await builtImage({ operator });
  const { release: first } = built;
  const second = at('second');
  await buildImage({ out: second, operator, progress: SILENT, locks: first, keepTree: true });
  return await signedRelease(at('signing'), [first, second]);
}

before(async () => {
  scene = await openScene({
    clock,
    random,
    release: '0.1.0',
    listen: { host: '127.0.0.1', port: 0 },
    terminal: { write: (text) => void shown.push(text), interactive: false },
    image: await release(),
    directory: DATA,
  });
  customer = visitorAt(scene.service.portal);
});
after(async () => {
  await scene?.close();
  rmSync(directory, { recursive: true, force: true });
});

const plan = () => scene.service.gateway?.plan as GatewayPlan;
const machine = () => scene.service.gateway?.machine as HostedGateway;
const events = async () =>
  (await customer.remembered()).filter(({ store }) => store === 'database.usage_events').map(({ fields }) => fields);

test("an operator's file goes into the root image, and changes nothing but it", async () => {
  const [ours, theirs] = [readBuild((await builtImage()).release), readBuild(built.release)];
  assert.notEqual(theirs.inputs, ours.inputs);
  assert.deepEqual(differing(ours, theirs), ['cmdline', 'root.img', 'uki.efi'], 'the command line holds the root hash');
  const file = readFileSync(join(built.release, 'operator.json'), 'utf8');
  assert.deepEqual(JSON.parse(file), operator);

  mkdirSync(at('unpacked'));
  const root = await unpackRoot(built, at('unpacked'), ['usr/lib/lethe']);
  assert.equal(readFileSync(join(root, 'usr/lib/lethe/operator.json'), 'utf8'), file);
  assert.equal(readBuild(built.probe).outputs['root.img'].sha256, theirs.outputs['root.img'].sha256);
});

test('stock clients reach the Internet through the machine, and six fields remain of each session', async () => {
  welcome = await customer.signUp();
  profiles = await takeProfiles(customer, plan());
  devices = await makeDevices(scene.world, plan(), random);
  for (const device of devices) {
    device.client = await connect(device, profiles, welcome);
    const report = await use(device, plan());
    assert.ok(report.page && report.dns, device.protocol);
  }
  for (const device of devices) await device.client?.disconnect();
  await waitUntil('there are three events', async () => (await events()).length === 3, TIMEOUT);
  for (const fields of await events()) assert.deepEqual(fields.map(({ name }) => name).toSorted(), FIELDS);
});

test('a person who watches sees how far the machine has come', () => {
  const stages = shown.map((line) => /^ {2}✓ (.*?) +\d+\.\d s\n$/.exec(line)?.[1]);
  assert.deepEqual(stages.slice(stages.indexOf('Starting the activator')), [
    'Starting the activator',
    'The machine boots the signed image into its memory',
    "It makes this boot's keys, and calls the activator",
    'It proves what it runs, and is given its secrets',
    'Starting control',
    "The gateway's daemons start, its agent finds control",
  ]);
});

/** In confined.vm.test.ts the image for tests speaks in the same place. */
const said = () => afterFirmware(machine().image.machine.console.text);

test('a release that has booted, proven itself and served has said nothing on its console', () => {
  assert.equal(said(), '');
});

/** The user of a session is known by a tag, its origin by two words; the rest is one word each. */
const FIELDS = ['country', 'date', 'isp', 'location', 'megabytes', 'protocol', 'user'];

test('the machine comes back as it was made, proves itself anew, and has other keys', async () => {
  const { boot } = machine().image;
  await machine().restart();
  const again = machine().image.boot;
  assert.ok(again.resets > boot.resets);
  assert.notDeepEqual(again.wireguard, boot.wireguard);
  assert.notDeepEqual(again.keys, boot.keys);

  // Customers find the machine's new WireGuard key at the portal; the other profiles hold as they are.
  await waitUntil('control is back', () => customer.seats().then(Boolean, () => false), TIMEOUT);
  const { wireguard, keys } = await takeProfiles(customer, plan());
  assert.notEqual(wireguard, profiles.wireguard);
  for (const device of devices) {
    device.client = await connect(device, { ...profiles, wireguard, keys }, welcome);
    await use(device, plan());
    await device.client.disconnect();
  }
  await waitUntil('there are six events', async () => (await events()).length === 6, TIMEOUT);
  assert.equal(said(), '');
});
