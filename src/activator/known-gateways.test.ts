// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleParameters } from '../../proof/labs/activator/tpms.os.ts';
import { x25519PrivateKey, x25519PublicBytes } from '../bytes/formats/hpke.ts';
import { sealParameters } from '../contracts/activation/parameters.ts';
import { ManualClock } from '../core/clock/clock.ts';
import { systemRandom } from '../core/random/random.ts';
import { ActivatorStore } from './activator.store.ts';
import { KnownGateways } from './known-gateways.ts';

const storeKey = systemRandom.bytes(32);
const recipient = x25519PublicBytes(x25519PrivateKey(storeKey));

function enrolled(store: ActivatorStore, gateway: string, address4: string, key = recipient): void {
  const given = sampleParameters(gateway);
  const parameters = sealParameters(
    key,
    { ...given, token: 'a'.repeat(43), plan: { ...given.plan, address4 } },
    systemRandom,
  );
  const certificate = systemRandom.bytes(32);
  assert.ok(store.enrol({ gateway, certificate, identity: undefined, parameters, firmware: undefined }));
}

test('where enrolled gateways come from is known, looked up at most every ten seconds', () => {
  const store = new ActivatorStore(':memory:');
  let asked = 0;
  const counting = {
    gateways: () => {
      asked += 1;
      return store.gateways();
    },
  };
  const clock = new ManualClock(0);
  const known = new KnownGateways({ clock, store: counting, storeKey });
  assert.deepEqual([...known.addresses()], []);
  enrolled(store, 'zrh-01', '192.0.2.7');
  enrolled(store, 'zrh-02', '192.0.2.8', x25519PublicBytes(x25519PrivateKey(systemRandom.bytes(32))));
  assert.deepEqual([...known.addresses()], []);
  clock.advance(10_000);
  const expected = sampleParameters('zrh-01').plan.address6;
  assert.deepEqual([...known.addresses()], ['192.0.2.7', ...(expected === undefined ? [] : [expected])]);
  for (let count = 0; count < 100; count += 1) known.addresses();
  assert.equal(asked, 2);
  clock.advance(10_000);
  store.forget('zrh-01');
  assert.deepEqual([...known.addresses()], []);
  store.close();
});
