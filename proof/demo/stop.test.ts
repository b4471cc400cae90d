// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { systemClock as clock } from '../../src/core/clock/clock.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import { writingJournal } from '../../src/core/journal/journal.ts';
import { systemRandom as random } from '../../src/core/random/random.ts';
import { Progress, type Terminal } from '../../src/host/terminal/terminal.ts';
import { type Service, startService } from '../../src/onebox/service.os.ts';
import { connectOpenvpn } from '../labs/clients/client.os.ts';
import { type Visitor, visitorAt } from '../labs/customers/visitor.ts';
import { homeAddress, homeAddress6 } from '../labs/internet/world.os.ts';
import { openScene, type Scene } from './scene.os.ts';
import { connect, makeDevices, takeProfiles, use } from './sessions.os.ts';

/** The service is stopped while a customer is connected in each way there is. */
const directory = mkdtempSync(join(tmpdir(), 'lethe-stop-'));
const terminal: Terminal = { write: () => undefined, interactive: false };
const listen = { host: '127.0.0.1', port: 0 };
const deps = { clock, random, release: '0.1.0' };
let scene: Scene;
let customer: Visitor;
let afterwards: Service | undefined;

before(async () => {
  scene = await openScene({ ...deps, terminal, listen, directory, wireguardIdle: 180_000 });
});
after(async () => {
  await afterwards?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Every way at once. */
async function connectAll(): Promise<void> {
  const { plan } = scene.service.gateway ?? assert.fail();
  customer = visitorAt(scene.service.portal);
  const welcome = await customer.signUp();
  const profiles = await takeProfiles(customer, plan);
  const devices = await makeDevices(scene.world, plan, random);
  for (const device of devices) {
    device.client = await connect(device, profiles, welcome);
    await use(device, plan);
  }
  const namespace = await scene.world.machine('c9', homeAddress(random, 9), homeAddress6(random));
  const tcp = await customer.read(`/download/${plan.location}/openvpn-tcp`);
  await connectOpenvpn({ namespace, gateway: plan.address4, device: 'eth0' }, tcp, welcome);
  await waitUntil('all four are counted', async () => (await customer.seats()).used === 4);
}

test('a service that is stopped leaves one event for each session that was up', async () => {
  await connectAll();
  await scene.close();
  afterwards = await startService(
    { directory, listen, name: 'Lethe', gateway: undefined },
    { ...deps, journal: writingJournal(() => undefined), progress: new Progress(terminal, clock) },
  );
  const again = visitorAt(afterwards.portal);
  again.cookie = customer.cookie;
  const protocols = (await again.remembered())
    .filter(({ store }) => store === 'database.usage_events')
    .map(({ fields }) => fields.find(({ name }) => name === 'protocol')?.value);
  assert.equal(protocols.length, 4);
  assert.deepEqual(new Set(protocols), new Set(['ikev2', 'openvpn-tcp', 'openvpn-udp', 'wireguard']));
});
