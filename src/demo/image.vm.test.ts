// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock as clock } from '../clock/clock.ts';
import { until } from '../clock/until.ts';
import { buildImage } from '../image/build.os.ts';
import { builtImage } from '../image/fixture.os.ts';
import { makeIso } from '../image/iso.os.ts';
import { REPOSITORY } from '../image/recipe.os.ts';
import { run } from '../processes/process.os.ts';
import { systemRandom as random } from '../random/random.ts';
import { builderKey, STATEMENT_FILE, writeStatement } from '../release/builders.os.ts';
import { createKeyring } from '../release/ceremony.os.ts';
import { signRelease } from '../release/sign.os.ts';
import { type HostedGateway, serviceOperator } from '../service/hosted.os.ts';
import { Progress } from '../terminal/terminal.ts';
import { softToken } from '../tokens/softhsm.os.ts';
import type { GatewayPlan } from '../tunnels/plan.ts';
import { Customer, type Welcome } from './customer.os.ts';
import { openScene, type Scene } from './scene.os.ts';
import { connect, type Device, makeDevices, type Profiles, takeProfiles, use } from './sessions.os.ts';

/** From the sources to six fields: build, two builders, signature, boot, proof, sessions, power-off, and again. */
const directory = mkdtempSync(join(tmpdir(), 'lethe-image-'));
// The database and the activator run as users of their own.
chmodSync(directory, 0o711);
const at = (name: string) => join(directory, name);
const deps = { clock, random };
const progress = new Progress({ write: () => undefined, interactive: false }, clock);
const DATA = at('data');
const PATIENCE = 120_000;

let scene: Scene;
let profiles: Profiles;
let devices: Device[];
let customer: Customer;
let welcome: Welcome;

/** Two builders come to the same bytes, and the operator's token signs them. Gives the release directory. */
async function release(): Promise<string> {
  const journal = { say: () => undefined };
  const { operator } = await serviceOperator({ directory: DATA, name: 'Lethe' }, { ...deps, journal });
  const { release: first } = await builtImage({ operator });
  const second = at('second');
  await buildImage({ out: second, operator, progress, locks: first });
  const builders = new Map<string, KeyObject>();
  for (const [name, build] of [
    ['first', first],
    ['second', second],
  ] as const) {
    await run(['cp', '--archive', build, at(`build-${name}`)]);
    const key = builderKey(at(`${name}.key`));
    builders.set(name, createPublicKey(key));
    await writeStatement(at(`build-${name}`), name, key);
  }
  const token = await softToken(directory);
  await signRelease({
    build: at('build-first'),
    statements: [join(at('build-first'), STATEMENT_FILE), join(at('build-second'), STATEMENT_FILE)],
    builders,
    keyring: await createKeyring(deps, at('keys'), 'Test', token.key, token.pin),
    key: token.key,
    pin: () => Promise.resolve(new Uint8Array(token.pin)),
    out: at('release'),
    repository: REPOSITORY,
    makeIso,
    progress,
    // The working tree of a test may have changed.
    draft: true,
  });
  return at('release');
}

before(async () => {
  scene = await openScene({
    clock,
    random,
    release: '0.1.0',
    listen: { host: '127.0.0.1', port: 18_433 },
    terminal: { write: () => undefined, interactive: false },
    image: await release(),
    directory: DATA,
  });
  customer = new Customer(scene.service.portal);
});
after(async () => {
  await scene?.close();
  rmSync(directory, { recursive: true, force: true });
});

const plan = () => scene.service.gateway?.plan as GatewayPlan;
const machine = () => scene.service.gateway?.machine as HostedGateway;
const events = async () =>
  (await customer.remembered()).filter(({ store }) => store === 'database.usage_events').map(({ fields }) => fields);

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
  await until('not three events', async () => (await events()).length === 3, PATIENCE);
  for (const fields of await events()) assert.deepEqual(fields.map(({ name }) => name).toSorted(), FIELDS);
});

/** The user of a session is known by a tag, its origin by two words; the rest is one word each (S9). */
const FIELDS = ['country', 'date', 'isp', 'location', 'megabytes', 'protocol', 'user'];

test('the machine comes back as it was made, proves itself anew, and has other keys', async () => {
  const { boot } = machine().image;
  await machine().restart();
  const again = machine().image.boot;
  assert.ok(again.resets > boot.resets);
  assert.notDeepEqual(again.wireguard, boot.wireguard);
  assert.notDeepEqual(again.keys, boot.keys);

  // Customers find the machine's new WireGuard key at the portal; the other profiles hold as they are.
  await until('control is not back', () => customer.seats().then(Boolean, () => false), PATIENCE);
  const { wireguard, keys } = await takeProfiles(customer, plan());
  assert.notEqual(wireguard, profiles.wireguard);
  for (const device of devices) {
    device.client = await connect(device, { ...profiles, wireguard, keys }, welcome);
    await use(device, plan());
    await device.client.disconnect();
  }
  await until('not six events', async () => (await events()).length === 6, PATIENCE);
});
