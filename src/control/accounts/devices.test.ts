// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { assert as assertProperty, property, string, uint8Array } from 'fast-check';
import { openTestControl, type TestControl } from '../../../proof/labs/control/test-control.os.ts';
import { seededRandom } from '../../core/random/random.ts';
import type { Customer } from './account.ts';
import { deviceKeyText, parseDeviceKey } from './device-key.ts';
import { freeHost } from './device-service.ts';

let house: TestControl;
before(async () => {
  house = await openTestControl();
});
after(() => house.close());

async function newCustomer(): Promise<Customer> {
  const { accounts } = house.control.services;
  const made = await accounts.signUp();
  assert.ok(made !== 'busy');
  return (await accounts.customerOf(made.signIn.token)) as Customer;
}

function newKey(): string {
  const { x } = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }) as { x: string };
  return Buffer.from(x, 'base64url').toString('base64');
}

test('a key has one written form of 32 bytes', () => {
  const key = newKey();
  assert.equal(deviceKeyText(parseDeviceKey(key) as Uint8Array), key);
  for (const junk of ['', key.slice(1), `${key}=`, `${key}\n`, key.replace('=', 'A'), `${'A'.repeat(42)}B=`]) {
    assert.equal(parseDeviceKey(junk), undefined);
  }
  assertProperty(property(string(), (text) => assert.equal(parseDeviceKey(text), undefined)));
  const bytes = uint8Array({ minLength: 32, maxLength: 32, min: 1, max: 127 });
  assertProperty(property(bytes, (raw) => assert.deepEqual(parseDeviceKey(deviceKeyText(raw)), new Uint8Array(raw))));
});

test('points of small order are no keys, with the top bit set or not', () => {
  const zero = new Uint8Array(32);
  const one = Uint8Array.from(zero).fill(1, 0, 1);
  for (const point of [zero, one]) {
    assert.equal(parseDeviceKey(deviceKeyText(point)), undefined);
    assert.equal(parseDeviceKey(deviceKeyText(Uint8Array.from(point).fill(128, 31))), undefined);
  }
});

test('a key belongs to one licence, and adding it again gives the same device', async () => {
  const { devices } = house.control.services;
  const [owner, other] = [await newCustomer(), await newCustomer()];
  const key = newKey();
  const device = await devices.add(owner, key);
  assert.deepEqual(await devices.add(owner, key), device);
  assert.equal(await devices.add(other, key), 'taken');
  assert.deepEqual(await devices.list(owner), [device]);
  assert.deepEqual(await devices.list(other), []);
  assert.equal(await devices.remove(other, key), false);
  assert.equal(await devices.remove(owner, 'junk'), false);
  assert.equal(await devices.remove(owner, key), true);
});

test('keys are capped at twice the seats, also when they come at once', async () => {
  const customer = await newCustomer();
  const { devices } = house.control.services;
  const answers = await Promise.all(Array.from({ length: 12 }, () => devices.add(customer, newKey())));
  assert.equal(answers.filter((answer) => answer === 'too_many').length, 2);
  const hosts = (await devices.list(customer)).map((device) => device.host);
  assert.equal(new Set(hosts).size, 10);
  for (const host of hosts) assert.ok(host >= 2 && host <= 16_382);
});

test('the pool can be used up, and then says so', async () => {
  const random = seededRandom('hosts');
  const taken = new Set<number>();
  for (let count = 0; count < 16_381; count += 1) taken.add(freeHost(random, taken) as number);
  assert.equal(taken.size, 16_381);
  assert.equal(freeHost(random, taken), undefined);
  assert.equal(Math.min(...taken), 2);
  assert.equal(Math.max(...taken), 16_382);
});

test('a full pool refuses the next key', async () => {
  const [full, late] = [await newCustomer(), await newCustomer()];
  const { db } = house.database;
  const rows = Array.from({ length: 16_381 }, (_, index) => {
    const publicKey = new Uint8Array(32).fill(5);
    new DataView(publicKey.buffer).setUint32(0, index);
    return { public_key: publicKey, licence: full.licence.id, host: index + 2 };
  });
  await db.deleteFrom('devices').execute();
  for (let at = 0; at < rows.length; at += 8000)
    await db
      .insertInto('devices')
      .values(rows.slice(at, at + 8000))
      .execute();
  assert.equal(await house.control.services.devices.add(late, newKey()), 'no_room');
  await db.deleteFrom('devices').execute();
});
