// SPDX-License-Identifier: AGPL-3.0-or-later

/**
 * Somebody adds a table `payments` and forgets the customer. Nothing but the inventory says which tables are about
 * customers, so each test forgets one thing in the inventory, or in the schema, and sees it refused.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { openTemporaryDatabase, type TemporaryDatabase } from '../../../proof/labs/database/temporary.os.ts';
import { ManualClock, parseIsoDate } from '../../core/clock/clock.ts';
import type { Stores } from '../../core/inventory/about.ts';
import { DATABASE } from '../../core/inventory/database.ts';
import { type About, type CustomerKey, declarations, type Store, store } from '../../core/inventory/datum.ts';
import { UndeclaredError } from '../../core/inventory/guard.ts';
import type { LIVE } from '../../core/inventory/live.ts';
import { KEPT } from '../../core/inventory/retention.ts';
import type { Licence, LicenceId } from '../../core/licences/licence.ts';
import { forgetOrder, OrderError } from '../database/forget.store.ts';
import { schemaFindings } from '../database/schema.store.ts';
import { MemorySeats } from '../seats/seats.ts';
import { usageKey } from '../usage/tag.ts';
import { insertAccount } from './account.store.ts';
import type { AccountId } from './account.ts';
import { type LiveReaders, RememberedService } from './remembered.ts';

const WRITTEN = {
  account: { kind: 'random', purpose: 'who paid' },
  paid_on: { kind: 'date', purpose: 'day of the payment' },
  cents: { kind: 'count', purpose: 'how much was paid' },
} as const;
const KEEPING = { holder: 'control', retention: KEPT.twoYears } as const;
const MARKED = store({ about: { customer: 'account', column: 'account' }, ...KEEPING, fields: WRITTEN });
const { fields: FIELDS } = MARKED;

/** A copy of the inventory with one table more. */
function withPayments(payments: Stores[string]): Stores {
  return { ...DATABASE, 'database.payments': payments };
}

/** A mark as it may come past the compiler. */
function markedBy(customer: CustomerKey, column: string): Stores[string] {
  return { about: { customer, column }, fields: FIELDS };
}

let database: TemporaryDatabase;
before(async () => {
  database = await openTemporaryDatabase();
  const licence = { expiresOn: parseIsoDate('2026-12-31'), seats: 5, trial: true } as Licence;
  for (const [index, account] of ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb'].entries()) {
    const id = (index + 1) as LicenceId;
    await insertAccount(database.db, account as AccountId, new Uint8Array(32).fill(id), { ...licence, id });
  }
  await sql`create table payments (account text not null references accounts on delete cascade,
    paid_on date not null, cents bigint not null)`.execute(database.db);
  await sql`create index payments_by_value on payments (account, paid_on, cents)`.execute(database.db);
  await sql`insert into payments values ('bbbbbbbbbbbbbbbb', '2026-11-02', 500), ('aaaaaaaaaaaaaaaa', '2026-11-03', 500),
    ('bbbbbbbbbbbbbbbb', '2026-11-01', 900)`.execute(database.db);
});
after(() => database.close());

async function asTheyLie(): Promise<string[]> {
  const { rows } = await sql<{ row: string }>`
    select left(account, 1) || ' ' || paid_on || ' ' || cents as row from payments order by ctid`.execute(database.db);
  return rows.map(({ row }) => row);
}

async function pageOf(account: string, tables: Stores) {
  const seats = new MemorySeats(new ManualClock(0), () => 5);
  const service = new RememberedService(database.db, seats, usageKey(new Uint8Array(32)), tables);
  const licence = { id: 2 as LicenceId, seats: 5, trial: true } as Licence;
  return (await service.of({ account: account as AccountId, licence })).rows;
}

type Verdict<Candidate, Wanted> = Candidate extends Wanted ? 'compiles' : 'does not compile';

test('the compiler refuses a table without a mark, and a mark whose column is not there', () => {
  const verdicts: [
    Verdict<typeof MARKED, Store>,
    Verdict<{ fields: typeof FIELDS }, Store>,
    Verdict<{ customer: 'account'; column: 'account' }, About<keyof typeof FIELDS>>,
    Verdict<{ customer: 'account'; column: 'payer' }, About<keyof typeof FIELDS>>,
  ] = ['compiles', 'does not compile', 'compiles', 'does not compile'];
  assert.equal(verdicts.length, 4);
});

test('the compiler refuses a purpose where a retention belongs', () => {
  type Keeping = Parameters<typeof declarations>[0];
  const verdicts: [Verdict<typeof KEEPING, Keeping>, Verdict<{ holder: 'control'; retention: 'who paid' }, Keeping>] = [
    'compiles',
    'does not compile',
  ];
  assert.equal(verdicts.length, 2);
  assert.equal(declarations(KEEPING)(WRITTEN).cents.retention, 'two years, then the row is deleted');
});

test('the compiler refuses a page that does not read a new store in memory', () => {
  type Calls = typeof LIVE & { 'live.calls': typeof MARKED };
  const verdicts: [
    Verdict<LiveReaders<typeof LIVE>, LiveReaders<typeof LIVE>>,
    Verdict<LiveReaders<typeof LIVE>, LiveReaders<Calls>>,
  ] = ['compiles', 'does not compile'];
  assert.equal(verdicts.length, 2);
});

test('a table without a mark is refused: nothing is served, put in order or shown', async () => {
  const inventory = withPayments({ fields: FIELDS });
  const { db } = database;
  assert.deepEqual(await schemaFindings(db, inventory), ['payments does not say whom it is about']);
  const refused = (error: unknown) => error instanceof UndeclaredError && /database\.payments/.test(error.message);
  await assert.rejects(forgetOrder(db, inventory), refused);
  await assert.rejects(pageOf('bbbbbbbbbbbbbbbb', inventory), refused);
});

test('a table with the mark is put in order and shown, and nothing else was written for it', async () => {
  const inventory = withPayments(MARKED);
  assert.deepEqual(await schemaFindings(database.db, inventory), []);
  assert.deepEqual(await asTheyLie(), ['b 2026-11-02 500', 'a 2026-11-03 500', 'b 2026-11-01 900']);
  await forgetOrder(database.db, inventory);
  assert.deepEqual(await asTheyLie(), ['a 2026-11-03 500', 'b 2026-11-01 900', 'b 2026-11-02 500']);
  const page = await pageOf('bbbbbbbbbbbbbbbb', inventory);
  assert.deepEqual(
    page.map(({ store: name }) => name),
    ['database.accounts', 'database.licences', 'database.payments', 'database.payments'],
  );
  const payments = page.filter(({ store: name }) => name === 'database.payments');
  assert.deepEqual(
    payments.map(({ fields }) => fields.map(({ value }) => value)),
    [
      ['bbbbbbbbbbbbbbbb', '2026-11-01', '900'],
      ['bbbbbbbbbbbbbbbb', '2026-11-02', '500'],
    ],
  );
  assert.equal(payments[0]?.fields[0]?.purpose, 'who paid');
});

test('a mark that leads to no customer is refused', async () => {
  const findings = (payments: Stores[string]) => schemaFindings(database.db, withPayments(payments));
  assert.deepEqual(await findings(markedBy('account', 'cents')), ['payments.cents leads to no account']);
  assert.deepEqual(await findings(markedBy('licence', 'account')), ['payments.account leads to no licence']);
  assert.deepEqual(await findings(markedBy('usage tag', 'account')), ['payments.account leads to no usage tag']);
  assert.deepEqual(await findings(markedBy('account', 'payer')), [
    'payments does not say whom it is about',
    'payments.payer leads to no account',
  ]);
});

test('a table that refers to an account cannot say that it leads to nobody', async () => {
  for (const about of ['unlinked', 'service'] as const) {
    assert.deepEqual(await schemaFindings(database.db, withPayments({ about, fields: FIELDS })), [
      'payments.account refers to accounts, but payments does not say so',
    ]);
  }
});

test('a row about two customers is refused: it would be shown to one of them', async () => {
  const { db } = database;
  await sql`create table referrals (licence bigint primary key references licences on delete cascade,
    invited bigint not null references licences on delete cascade)`.execute(db);
  const about = { customer: 'licence', column: 'licence' } as const;
  const fields = { licence: FIELDS.cents, invited: FIELDS.cents };
  const inventory = { ...withPayments(MARKED), 'database.referrals': { about, fields } };
  try {
    assert.deepEqual(await schemaFindings(db, inventory), [
      'referrals.invited refers to licences, but referrals is shown by licence',
    ]);
  } finally {
    await sql`drop table referrals`.execute(db);
  }
});

test('a table about customers that has no order of its values is refused before anything is touched', async () => {
  const { db } = database;
  const inventory = withPayments(MARKED);
  await sql`drop index payments_by_value`.execute(db);
  // None of these gives an order to every value of every row.
  await sql`create index payments_by_part on payments (account, paid_on)`.execute(db);
  await sql`create index payments_of_some on payments (account, paid_on, cents) where cents > 0`.execute(db);
  assert.deepEqual(await schemaFindings(db, inventory), ['payments has no order of its values']);
  const before = await asTheyLie();
  await assert.rejects(forgetOrder(db, inventory), OrderError);
  assert.deepEqual(await asTheyLie(), before);
});

test('an undeclared column of a table about customers is not shown but refused', async () => {
  await sql`alter table payments add column card text`.execute(database.db);
  await assert.rejects(pageOf('bbbbbbbbbbbbbbbb', withPayments(MARKED)), UndeclaredError);
});
