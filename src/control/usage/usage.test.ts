// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { storedTag } from '../../../proof/labs/control/stored-tag.ts';
import { openTemporaryDatabase, type TemporaryDatabase } from '../../../proof/labs/database/temporary.os.ts';
import { type EpochDay, ManualClock, parseIsoDate } from '../../core/clock/clock.ts';
import { RecordingJournal } from '../../core/journal/journal.ts';
import type { UsageTag } from '../../core/licences/licence.ts';
import { copyText } from '../database/copy.os.ts';
import { heavyUsers } from '../program/heavy.ts';
import { forget, Housekeeping } from '../program/housekeeping.ts';
import { usageKey, usageTagOf } from './tag.ts';
import { type StoredEvent, storeBatch } from './usage.store.ts';

let database: TemporaryDatabase;
before(async () => {
  database = await openTemporaryDatabase();
});
after(() => database.close());

const KEY = usageKey(new Uint8Array(32).fill(1));
const DAY = parseIsoDate('2026-11-21') as EpochDay;

function nameKey(byte: number): Uint8Array {
  return new Uint8Array(16).fill(byte);
}

function eventOf(byte: number, change: Partial<StoredEvent> = {}): StoredEvent {
  const user = usageTagOf(KEY, nameKey(byte));
  const event = { date: '2026-11-21', user, country: 'CH', isp: 'Example Net', megabytes: 10, location: 'ch-zrh' };
  return { ...event, protocol: 'wireguard', ...change };
}

/** The same with the tag as it is stored. */
async function keptEvent(byte: number, change: Partial<StoredEvent> = {}): Promise<StoredEvent> {
  const event = eventOf(byte, change);
  return { ...event, user: await storedTag(database.db, KEY, event.date, event.user as UsageTag) };
}

function eventsOf(byte: number): Promise<StoredEvent[]> {
  const tag = usageTagOf(KEY, nameKey(byte));
  return database.db.selectFrom('usage_events').where('user', '=', tag).orderBy('date').selectAll().execute();
}

test('a tag is keyed: another key makes another tag', () => {
  assert.match(usageTagOf(KEY, nameKey(1)), /^[0-9a-f]{16}$/);
  assert.equal(usageTagOf(KEY, nameKey(1)), usageTagOf(KEY, nameKey(1)));
  assert.notEqual(usageTagOf(KEY, nameKey(1)), usageTagOf(KEY, nameKey(2)));
  assert.notEqual(usageTagOf(KEY, nameKey(1)), usageTagOf(usageKey(new Uint8Array(32).fill(2)), nameKey(1)));
  assert.throws(() => usageKey(new Uint8Array(31)), RangeError);
});

test('a batch that comes twice counts once', async () => {
  const { db } = database;
  assert.equal(await storeBatch(db, 'batch-0001', DAY, [eventOf(1), eventOf(1)]), true);
  assert.equal(await storeBatch(db, 'batch-0001', DAY, [eventOf(1), eventOf(1)]), false);
  assert.equal((await eventsOf(1)).length, 2);
  const twice = await Promise.all([storeBatch(db, 'batch-0002', DAY, []), storeBatch(db, 'batch-0002', DAY, [])]);
  assert.equal(twice.filter(Boolean).length, 1);
});

test('a large batch is stored whole', async () => {
  const events = Array.from({ length: 2500 }, (_, index) => eventOf(9, { megabytes: index }));
  await storeBatch(database.db, 'batch-large', DAY, events);
  const stored = await eventsOf(9);
  assert.equal(stored.length, 2500);
  assert.deepEqual(Object.keys(stored[0] ?? {}).sort(), Object.keys(eventOf(9)).sort());
});

test('every text comes back as it was', async () => {
  const isp = String.raw`A\B & "C", Łódź \. \N`;
  await storeBatch(database.db, 'batch-texts', DAY, [eventOf(8, { isp })]);
  assert.equal((await eventsOf(8))[0]?.isp, isp);
  assert.equal(copyText('a\tb\nc\rd\\'), String.raw`a\tb\nc\rd\\`);
});

test('a batch with one event that is not declared stores nothing', async () => {
  const { db } = database;
  const bad = { ...eventOf(4), source_ip: '192.0.2.7' };
  await assert.rejects(storeBatch(db, 'batch-0003', DAY, [eventOf(4), bad]), /source_ip/);
  assert.deepEqual(await eventsOf(4), []);
  assert.equal(await storeBatch(db, 'batch-0003', DAY, [eventOf(4)]), true);
});

async function addCredential(byte: number, licence: number): Promise<void> {
  const { db } = database;
  const account = `account${licence}`;
  const hash = new Uint8Array(32).fill(byte);
  await db.insertInto('accounts').values({ id: account, number_hash: hash }).execute();
  const row = { id: licence, account, expires_on: '2026-12-21', seats: 5, trial: true };
  await db.insertInto('licences').values(row).execute();
  const keys = { verifier: nameKey(byte), name_key: nameKey(byte), nt_hash: nameKey(byte) };
  await db
    .insertInto('credentials')
    .values({ licence, ...keys })
    .execute();
}

test('the holder of the key sees who moved most; tags of nobody are left out', async () => {
  await addCredential(51, 1051);
  await addCredential(52, 1052);
  const events = [
    await keptEvent(51, { megabytes: 5_000_000 }),
    await keptEvent(52, { megabytes: 4_000_000 }),
    await keptEvent(52, { megabytes: 4_000_000, date: '2026-11-20' }),
    await keptEvent(51, { megabytes: 90_000_000, date: '2026-10-01' }),
    await keptEvent(53, { megabytes: 9_000_000 }),
  ];
  await storeBatch(database.db, 'batch-heavy', DAY, events);
  const since = (DAY - 30) as EpochDay;
  assert.deepEqual(await heavyUsers(database.db, KEY, since, 3), [
    { licence: 1052, megabytes: 8_000_000 },
    { licence: 1051, megabytes: 5_000_000 },
  ]);
  const stranger = usageKey(new Uint8Array(32).fill(7));
  assert.deepEqual(await heavyUsers(database.db, stranger, since), []);
});

test('rows go when they have had their time', async () => {
  const { db } = database;
  await addCredential(61, 1061);
  await db.updateTable('licences').set({ expires_on: '2026-08-23' }).where('id', '=', 1061).execute();
  await storeBatch(db, 'batch-old', parseIsoDate('2026-11-18') as EpochDay, [
    eventOf(61, { date: '2024-11-20' }),
    eventOf(61, { date: '2024-11-21' }),
  ]);
  await forget(db, DAY);
  assert.deepEqual(
    (await eventsOf(61)).map((event) => event.date),
    ['2024-11-21'],
  );
  const batches = await db.selectFrom('usage_batches').select('batch').execute();
  assert.equal(
    batches.some((row) => row.batch === 'batch-old'),
    false,
  );
  assert.equal(
    batches.some((row) => row.batch === 'batch-0001'),
    true,
  );
  assert.equal((await db.selectFrom('accounts').selectAll().where('id', '=', 'account1061').execute()).length, 1);
  await forget(db, (DAY + 2) as EpochDay);
  assert.equal((await db.selectFrom('accounts').selectAll().where('id', '=', 'account1061').execute()).length, 0);
  assert.equal((await db.selectFrom('credentials').selectAll().where('licence', '=', 1061).execute()).length, 0);
});

test('housekeeping that cannot reach the database says so and tries again', async () => {
  const journal = new RecordingJournal();
  const clock = new ManualClock(DAY * 86_400_000);
  const gone = await openTemporaryDatabase();
  await gone.close();
  const failing = new Housekeeping(gone.db, clock, journal);
  failing.start();
  await failing.stop();
  assert.deepEqual(journal.events, [{ code: 'failed', program: 'control', failure: 'housekeeping' }]);
  const working = new Housekeeping(database.db, clock, journal);
  await working.round();
  assert.equal(journal.events.length, 1);
});
