// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';
import { assert as assertProperty, property, string, uint8Array } from 'fast-check';
import { sql } from 'kysely';
import { openTestControl, type TestControl } from '../../../proof/labs/control/test-control.os.ts';
import { TUNNELS } from '../../contracts/plan/plan.ts';
import { innerPools } from '../../contracts/plan/pool.ts';
import { type EpochDay, ManualClock } from '../../core/clock/clock.ts';
import { type Random, seededRandom, systemRandom } from '../../core/random/random.ts';
import { forget } from '../program/housekeeping.ts';
import type { Customer } from './account.ts';
import type { CredentialSalt } from './credential.ts';
import { countTrialKeys } from './device.store.ts';
import { deviceKeyText, parseDeviceKey } from './device-key.ts';
import { DeviceService } from './device-service.ts';
import { MOST_TRIAL_KEYS, TrialKeys } from './trial-keys.ts';

let house: TestControl;
before(async () => {
  house = await openTestControl();
});
after(() => house.close());

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
  const [owner, other] = [await house.customer(), await house.customer()];
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

test('keys are capped, at the seats of a trial and at twice the seats of others, also when they come at once', async () => {
  const { devices } = house.control.services;
  for (const [trial, most] of [
    [true, 5],
    [false, 10],
  ] as const) {
    const customer = await house.customer();
    const of = { ...customer, licence: { ...customer.licence, trial } };
    const answers = await Promise.all(Array.from({ length: 12 }, () => devices.add(of, newKey())));
    assert.equal(answers.filter((answer) => answer === 'too_many').length, 12 - most);
    const hosts = (await devices.list(of)).map((device) => device.host);
    assert.equal(new Set(hosts).size, most);
    for (const host of hosts) assert.ok(host >= 2 && host <= 4_194_302);
  }
});

/** Who has VPN credentials is given none with a first device. */
async function namedCustomer(): Promise<Customer> {
  const customer = await house.customer();
  await house.control.services.credentials.rotate(customer);
  return customer;
}

/** A service of the test's own on the database of the house. */
function serviceOf(random: Random, trialKeys = new TrialKeys(house.clock, 30, 0)): DeviceService {
  const salt = new Uint8Array(14) as CredentialSalt;
  return new DeviceService({ db: house.database.db, random, salt, trialKeys, changed: () => undefined });
}

test('a host that is taken is passed over, and where every draw is taken there is no room', async () => {
  const [one, other] = [await namedCustomer(), await namedCustomer()];
  const first = await serviceOf(seededRandom('hosts')).add(one, newKey());
  assert.ok(typeof first !== 'string');
  const second = await serviceOf(seededRandom('hosts')).add(other, newKey());
  assert.ok(typeof second !== 'string' && second.host !== first.host);
  const stuck = { bytes: () => Uint8Array.of(0, 0, 0, 0, 0, 0) };
  assert.equal(typeof (await serviceOf(stuck).add(one, newKey())), 'object');
  assert.equal(await serviceOf(stuck).add(other, newKey()), 'no_room');
});

test('two who draw one host at once get two, and one key goes to one of them', async () => {
  const customers = await Promise.all(Array.from({ length: 6 }, () => namedCustomer()));
  const added = await Promise.all(customers.map((it) => serviceOf(seededRandom('crowd')).add(it, newKey())));
  const hosts = added.map((device) => (typeof device === 'string' ? device : device.host));
  assert.equal(new Set(hosts.filter((host) => typeof host === 'number')).size, 6);
  const key = newKey();
  const answers = await Promise.all(customers.map((it) => house.control.services.devices.add(it, key)));
  assert.equal(answers.filter((answer) => answer === 'taken').length, 5);
});

test('a new key costs the same, however many there are', async () => {
  const customer = await house.customer();
  const { db } = house.database;
  await sql`insert into devices select sha256(host::text::bytea), ${customer.licence.id}::bigint, host
    from generate_series(1000000, 1100000) as host
    on conflict do nothing`.execute(db);
  const started = performance.now();
  const other = await house.customer();
  assert.equal(typeof (await house.control.services.devices.add(other, newKey())), 'object');
  assert.ok(performance.now() - started < 500);
  await db.deleteFrom('devices').where('licence', '=', customer.licence.id).execute();
});

const DAY = 86_400_000;
const TRIAL = 30;

test('a stranger with any number of trials never has more than 131,072 keys, whatever the patience and the restarts', () => {
  for (const every of [1000, DAY]) {
    const clock = new ManualClock(0);
    const added: number[] = [];
    let trialKeys = new TrialKeys(clock, TRIAL, 0);
    let gone = 0;
    let most = 0;
    const steps = every === DAY ? 200 : 20_000;
    for (let step = 0; step < steps; step += 1) {
      while (trialKeys.take()) added.push(clock.elapsed());
      // A key of the last day is deleted by the first round of the next.
      while ((added[gone] as number) + (TRIAL + 1) * DAY + 3_600_000 <= clock.elapsed()) gone += 1;
      most = Math.max(most, added.length - gone);
      if (step % 50 === 49) trialKeys = new TrialKeys(clock, TRIAL, added.length - gone);
      clock.advance(every);
    }
    assert.ok(most <= MOST_TRIAL_KEYS, `${most}`);
    assert.ok(most >= MOST_TRIAL_KEYS / 2);
  }
  // What it costs to fill: five keys a sign-up, ten sign-ups a second.
  assert.equal(Math.round(MOST_TRIAL_KEYS / 2 / (10 * 5)), 1311);
  const { hosts } = innerPools(TUNNELS.wireguard);
  assert.ok(hosts - MOST_TRIAL_KEYS > 4_000_000, 'what is left for those whose licence was extended');
});

test('where trials have had all their keys, a customer whose licence was extended still gets one', async () => {
  const [trial, paid] = [await house.customer(), await house.customer()];
  const full = new TrialKeys(house.clock, TRIAL, MOST_TRIAL_KEYS);
  const service = serviceOf(systemRandom, full);
  assert.equal(await service.add(trial, newKey()), 'no_room');
  assert.equal(typeof (await service.add({ ...paid, licence: { ...paid.licence, trial: false } }, newKey())), 'object');
});

test('the addresses of a trial are free on the day after it ended; a key of another waits for its owner', async () => {
  const { devices } = house.control.services;
  const { db } = house.database;
  const [trial, paid] = [await house.customer(), await house.customer()];
  for (const customer of [trial, paid]) await devices.add(customer, newKey());
  await db.updateTable('licences').set({ trial: false }).where('id', '=', paid.licence.id).execute();
  assert.equal(await countTrialKeys(db), (await db.selectFrom('devices').selectAll().execute()).length - 1);
  await forget(db, trial.licence.expiresOn);
  assert.equal((await devices.list(trial)).length, 1);
  await forget(db, (trial.licence.expiresOn + 1) as EpochDay);
  assert.deepEqual([(await devices.list(trial)).length, (await devices.list(paid)).length], [0, 1]);
});
