// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { systemClock as clock } from '../../src/core/clock/clock.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import { systemRandom as random } from '../../src/core/random/random.ts';
import { untilSays } from '../../src/host/processes/ready.os.ts';
import { visitorAt } from '../labs/customers/visitor.ts';
import { INTERNET } from '../labs/internet/start.os.ts';
import { openScene, type Scene } from './scene.os.ts';
import { connect, type Device, makeDevices, takeProfiles } from './sessions.os.ts';

/** What the gateway's kernel follows for its customers, a line each. */
function flowsOf(scene: Scene): string[] {
  const agent = scene.service.gateway?.running?.program('agent').child.pid;
  const all = readFileSync(`/proc/${agent}/net/nf_conntrack`, 'utf8').split('\n');
  return all.filter((line) => / src=(?:10\.64\.|100\.\d+\.|fd6c:)/.test(line));
}

const PORT = 9999;

/** In the Internet: takes connections, and neither says anything nor hangs up. */
async function listen({ world }: Scene): Promise<void> {
  const script = `require('node:net').createServer(() => 0).listen(${PORT}, '::', () => console.log('listens'))`;
  await untilSays(await world.router.spawn([process.execPath, '-e', script]), 'the server', /listens/);
}

/** Opens connections that say nothing and are never closed, one of each family. */
async function linger({ machine }: Device): Promise<void> {
  const hosts = JSON.stringify([INTERNET.address4, INTERNET.address6]);
  const script = `let open = 0; for (const host of ${hosts})
    require('node:net').connect({ host, port: ${PORT} }, () => { open += 1; if (open === 2) console.log('open'); }).on('error', () => 0);
    setInterval(() => 0, 1000);`;
  await untilSays(await machine.namespace.spawn([process.execPath, '-e', script]), 'a connection', /open/);
}

test('a customer who is cut off leaves no flow behind in the kernel, once the seat is free', async () => {
  const quiet = { write: () => undefined, interactive: false };
  const scene = await openScene({
    clock,
    random,
    release: '0.1.0',
    listen: { host: '127.0.0.1', port: 0 },
    terminal: quiet,
  });
  try {
    const customer = visitorAt(scene.service.portal);
    const plan = scene.service.gateway?.plan ?? assert.fail();
    const welcome = await customer.signUp();
    const profiles = await takeProfiles(customer, plan);
    const devices = await makeDevices(scene.world, plan, random);
    for (const device of devices) device.client = await connect(device, profiles, welcome);
    await listen(scene);
    for (const device of devices) await linger(device);
    const seats = async () => (await customer.seats()).used;
    await waitUntil('all are counted', async () => (await seats()) === devices.length);
    const established = flowsOf(scene).filter((line) => line.includes('ESTABLISHED'));
    assert.equal(established.length, 2 * devices.length, established.join('\n'));
    for (const { machine } of devices) await machine.namespace.run(['ip', 'link', 'set', 'eth0', 'down']);
    await waitUntil('the seats are free', async () => (await seats()) === 0, 400_000);
    await waitUntil('the kernel has forgotten them', () => flowsOf(scene).length === 0, 5000);
  } finally {
    await scene.close();
  }
});
