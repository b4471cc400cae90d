// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { customerStores, storesAboutCustomers } from './about.ts';
import { DATABASE } from './database.ts';
import { UndeclaredError } from './guard.ts';
import { LIVE } from './live.ts';

const STORES = { ...DATABASE, ...LIVE };

test('whoever says that a store is not about customers has to say it here too', () => {
  const about = storesAboutCustomers(STORES);
  assert.deepEqual(
    Object.keys(STORES).filter((name) => !about.includes(name)),
    ['database.gateways', 'database.authfile', 'database.migrations', 'live.gateways'],
  );
});

test('whoever says that a store about customers leads to none of them has to say it here too', () => {
  const leading = new Set(customerStores(STORES).map(({ name }) => name));
  assert.deepEqual(
    storesAboutCustomers(STORES).filter((name) => !leading.has(name)),
    [
      'database.closed_accounts',
      'database.activations',
      'database.usage_salts',
      'database.usage_batches',
      'live.openvpn_clients',
    ],
  );
});

test('a store without a mark, or whose mark names no field of it, is no empty list', () => {
  const { fields } = DATABASE['database.devices'];
  for (const forgotten of [{ fields }, { fields, about: { customer: 'account', column: 'payer' } as const }]) {
    const stores = { ...STORES, 'live.payments': forgotten };
    assert.throws(() => storesAboutCustomers(stores), UndeclaredError);
    assert.throws(() => customerStores(stores), /live\.payments does not say whom it is about/);
  }
});
