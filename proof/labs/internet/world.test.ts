// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../../../src/core/random/random.ts';
import { connectIkev2, visit } from '../clients/client.os.ts';
import { INTERNET } from './start.os.ts';
import { homeAddress, homeAddress6, openWorld } from './world.os.ts';

test('a machine reaches pages and names under its own address', async () => {
  const random = seededRandom('world');
  const world = await openWorld();
  try {
    const address = homeAddress(random, 0);
    const other = homeAddress(random, 1);
    const machine = await world.machine('v1', address, homeAddress6(random));
    await world.machine('v2', other, homeAddress6(random));
    const seen = await visit(machine, `www.${INTERNET.zone}`, '/page', INTERNET.address4);
    assert.deepEqual(seen, { addresses: [INTERNET.address4], status: 200, body: address });
    await machine.run(['ping', '-c1', '-W20', other]);
    await machine.run(['ping', '-6', '-c1', '-W20', INTERNET.address6]);

    const elsewhere = homeAddress(random, 2);
    await world.move(machine, 'v1', address, elsewhere);
    assert.equal((await visit(machine, `www.${INTERNET.zone}`, '/page', INTERNET.address4)).body, elsewhere);
    await machine.run(['ping', '-c1', '-W20', other]);
  } finally {
    await world.close();
  }
});

test('a client that failed to connect leaves nothing that would stand in the way of the next attempt', async () => {
  const world = await openWorld();
  try {
    const namespace = await world.machine('v3', '203.0.113.99', '2001:db8:99::1');
    const machine = { namespace, gateway: INTERNET.address4, device: 'eth0' };
    const attempt = () => connectIkev2(machine, 'connections {', 'no certificate', { username: 'u', ikePassword: 'p' });
    for (const time of ['first', 'second']) await assert.rejects(attempt(), /swanctl/, time);
    assert.doesNotMatch(await namespace.run(['ps', '-e', '-o', 'args']), /charon/);
  } finally {
    await world.close();
  }
});
