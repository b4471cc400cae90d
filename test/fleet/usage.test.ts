// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { GATEWAY_TOKEN, openTestControl, type TestControl } from '../../proof/labs/control/test-control.os.ts';
import type { Customer } from '../../src/control/accounts/account.ts';
import { nextRecords } from '../../src/control/fleet/authfile.store.ts';
import { heavyUsers } from '../../src/control/program/heavy.ts';
import { forget } from '../../src/control/program/housekeeping.ts';
import { readMaterial } from '../../src/control/program/material.os.ts';
import { type EpochDay, isoDate, today } from '../../src/core/clock/clock.ts';

let house: TestControl;
before(async () => {
  house = await openTestControl();
});
after(() => house.close());

const EVENT = {
  date: '2026-11-21',
  country: 'CH',
  isp: 'Example Net',
  megabytes: 12,
  location: 'ch-zrh',
  protocol: 'ikev2',
};

function changed(change: object): object {
  return { ...EVENT, ...change };
}

async function send(batch: string, events: readonly object[]): Promise<number | undefined> {
  const body = JSON.stringify({ batch, events });
  const headers = { authorization: `Bearer ${GATEWAY_TOKEN}` };
  const request = new Request('https://control.test/fleet/v1/usage', { method: 'POST', body, headers });
  return (await house.control.fleetFetch?.(request))?.status;
}

async function everyRow(): Promise<string> {
  const { db } = house.database;
  const tables = await db.introspection.getTables();
  const rows = await Promise.all(
    tables.map((table) =>
      db
        .selectFrom(table.name as 'accounts')
        .selectAll()
        .execute(),
    ),
  );
  return JSON.stringify(rows, (_key, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value,
  );
}

test('what an auth file says about a customer is in no table, and control still finds the events of its customers', async () => {
  const [named, keyed] = [await house.customer(), await house.customer()];
  const { services } = house.control;
  await services.credentials.rotate(named);
  for (const customer of [named, keyed])
    await services.devices.add(customer, Buffer.alloc(32, customer.licence.id % 250).toString('base64'));
  const { db } = house.database;
  await db.deleteFrom('credentials').where('licence', '=', keyed.licence.id).execute();
  const { usageKey } = readMaterial(house.config);
  const day = today(house.clock);
  const { logins, peers } = await nextRecords(db, usageKey, day);
  const tags = [...logins, ...peers].map(({ entitlement }) => entitlement.usageTag);
  const tagOf = (customer: Customer) =>
    peers.find((peer) => peer.entitlement.licence === customer.licence.id)?.entitlement.usageTag;
  assert.equal(new Set(tags).size, 2);
  const events = [named, keyed].map((customer) => changed({ user: tagOf(customer) }));
  assert.equal(await send('batch-one', events), 204);
  const rows = await everyRow();
  assert.ok(rows.includes('Example Net'));
  for (const tag of tags) assert.equal(rows.includes(tag), false);
  const heavy = await heavyUsers(db, usageKey, (day - 30) as EpochDay);
  assert.deepEqual(
    new Set(heavy.map(({ licence }) => licence)),
    new Set([named, keyed].map(({ licence }) => licence.id)),
  );
  for (const customer of [named, keyed]) {
    const shown = await services.remembered.of(customer);
    assert.equal(shown.rows.filter(({ store }) => store === 'database.usage_events').length, 1);
  }
});

test('two months later it cannot be said whose an event was, with all keys and every auth file', async () => {
  const { db, server } = house.database;
  const { usageKey } = readMaterial(house.config);
  const [row] = await db.selectFrom('usage_salts').selectAll().execute();
  const salt = Buffer.from(row?.salt ?? []);
  assert.equal(row?.month, '2026-11-01');
  const since = (today(house.clock) - 30) as EpochDay;
  for (const [days, left] of [
    [40, 2],
    [41, 0],
  ] as const) {
    const day = (today(house.clock) + days) as EpochDay;
    assert.equal(isoDate(day), left === 0 ? '2027-01-01' : '2026-12-31');
    await forget(db, day);
    assert.equal((await heavyUsers(db, usageKey, since)).length, left);
  }
  assert.equal((await db.selectFrom('usage_events').selectAll().execute()).length, 2, 'the events themselves stay');
  const directory = dirname(server.socket);
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const holding = files
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(salt));
  assert.deepEqual(holding, []);
});

test('what no honest gateway says is not stored, the rest of its batch is, and the journal says so once', async () => {
  const user = '0011223344556677';
  const before = house.journal.events.length;
  const bad = [{ date: '9999-12-31' }, { location: 'de-fra' }, { megabytes: 2 ** 53 - 1 }, { date: '2026-11-06' }];
  const batch = [...bad, { isp: '203-0-113-7' }, { country: 'ZZ' }].map((change) => changed({ user, ...change }));
  assert.equal(await send('batch-bad', batch), 204);
  assert.equal(await send('batch-bad-2', batch), 204);
  const rows = await everyRow();
  for (const word of ['9999', 'de-fra', '9007199254740991', '203-0', '"ZZ"', '2026-11-06'])
    assert.equal(rows.includes(word), false, word);
  assert.deepEqual(house.journal.events.slice(before), [{ code: 'events_refused', gateway: 'zrh-01' }]);
  assert.equal(
    (await house.database.db.selectFrom('usage_events').where('isp', '=', 'unknown').selectAll().execute()).length,
    2,
  );
});
