// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../random/random.ts';
import { visit } from './client.os.ts';
import { homeAddress, homeAddress6, INTERNET, openWorld } from './world.os.ts';

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
    await machine.run(['ping', '-c1', '-W2', other]);
    await machine.run(['ping', '-6', '-c1', '-W2', INTERNET.address6]);
  } finally {
    await world.close();
  }
});
