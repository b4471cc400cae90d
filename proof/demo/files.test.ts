// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock as clock } from '../../src/core/clock/clock.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import { systemRandom as random } from '../../src/core/random/random.ts';
import type { Service } from '../../src/onebox/service.os.ts';
import { watchFiles } from '../hunt/opened.os.ts';
import { visitorAt } from '../labs/customers/visitor.ts';
import { openScene } from './scene.os.ts';
import { connect, makeDevices, takeProfiles, use } from './sessions.os.ts';

test('no program of a gateway opens a file for writing while customers connect, browse and leave', async () => {
  const listen = { host: '127.0.0.1', port: 0 };
  const terminal = { write: () => undefined, interactive: false };
  const scene = await openScene({ clock, random, release: '0.1.0', listen, terminal });
  try {
    const { plan, running } = scene.service.gateway as NonNullable<Service['gateway']>;
    const customer = visitorAt(scene.service.portal);
    const welcome = await customer.signUp();
    const profiles = await takeProfiles(customer, plan);
    const devices = await makeDevices(scene.world, plan, random);

    const watch = await watchFiles((running?.programs ?? []).map(({ child }) => child.pid));
    for (const device of devices) {
      device.client = await connect(device, profiles, welcome);
      await use(device, plan);
    }
    for (const { client } of devices) await client?.disconnect();
    await waitUntil(
      'three usage events have arrived',
      async () => {
        const rows = await customer.remembered();
        return rows.filter(({ store }) => store === 'database.usage_events').length === 3;
      },
      60_000,
    );
    assert.deepEqual(await watch.stop(), []);
  } finally {
    await scene.close();
  }
});
