// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assert as assertProperty, property, string } from 'fast-check';
import { sql } from 'kysely';
import { storedTag } from '../../../proof/labs/control/stored-tag.ts';
import { openTestControl, type TestControl } from '../../../proof/labs/control/test-control.os.ts';
import { openTemporaryDatabase } from '../../../proof/labs/database/temporary.os.ts';
import { ManualClock, today } from '../../core/clock/clock.ts';
import { UndeclaredError } from '../../core/inventory/guard.ts';
import { RecordingJournal } from '../../core/journal/journal.ts';
import type { LicenceId } from '../../core/licences/licence.ts';
import { seededRandom, systemRandom } from '../../core/random/random.ts';
import type { SessionId } from '../../core/sessions/session.ts';
import { credentialSalt } from '../fleet/authfile.store.ts';
import { GATHERING } from '../fleet/publisher.ts';
import { readMaterial } from '../program/material.os.ts';
import { usageKey, usageTagOf } from '../usage/tag.ts';
import { storeBatch } from '../usage/usage.store.ts';
import type { Customer, SignUp } from './account.ts';
import { AccountLimiter } from './account-limiter.ts';
import { AccountService, MOST_SIGN_INS } from './account-service.ts';
import { FailureLimiter } from './failure-limiter.ts';
import { Forms, formKeyOf } from './forms.ts';
import { accountNumberHash, newAccountNumber, parseAccountNumber } from './number.ts';
import { MOST_ROWS, type RememberedPage, rememberedRow } from './remembered.ts';
import { Room } from './room.ts';

const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const random = seededRandom('account numbers');

test('an account number survives being read out', () => {
  for (let round = 0; round < 200; round += 1) {
    const number = newAccountNumber(random);
    assert.deepEqual(parseAccountNumber(number), { number });
    const typed = `  ${number.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'O').replaceAll('1', 'i')}-`;
    assert.deepEqual(parseAccountNumber(typed), { number });
  }
});

test('an account number survives what programs make of a copy', () => {
  const number = newAccountNumber(random);
  for (const typed of [
    `Account number: ${number}`,
    number.replaceAll('-', '–'),
    number.replaceAll('-', '\u2011'),
    number.replaceAll('-', ' \u2212 '),
    `\u200B${number.replaceAll('-', '\u200B-\u00AD')}\uFEFF\r\n`,
    number.replaceAll(/./g, (sign) => (sign === '-' ? '\u3000' : String.fromCharCode(sign.charCodeAt(0) + 0xfee0))),
  ]) {
    assert.deepEqual(parseAccountNumber(typed), { number }, JSON.stringify(typed));
  }
  assert.equal(parseAccountNumber(`U${number.slice(1)}`), 'mistyped');
  assert.equal(parseAccountNumber(`${'a'.repeat(200)}:${number}`), 'malformed');
});

test('every single wrong character and every swap of neighbours is a typing error', () => {
  const number = newAccountNumber(random);
  const plain = number.replaceAll('-', '');
  for (let at = 0; at < plain.length; at += 1) {
    for (const other of ALPHABET.replace(plain.charAt(at), '')) {
      assert.equal(parseAccountNumber(plain.slice(0, at) + other + plain.slice(at + 1)), 'mistyped');
    }
    const [here, next] = [plain.charAt(at), plain.charAt(at + 1)];
    if (next === '' || here === next) continue;
    assert.equal(parseAccountNumber(plain.slice(0, at) + next + here + plain.slice(at + 2)), 'mistyped');
  }
});

test('junk is no account number and never throws', () => {
  for (const junk of ['', '-', ':', '\u0131'.repeat(20), '0'.repeat(19), '0'.repeat(21), ' '.repeat(1000)]) {
    assert.equal(parseAccountNumber(junk), 'malformed');
  }
  const anything = property(string({ maxLength: 200 }), (text) => {
    const parsed = parseAccountNumber(text);
    assert.ok(parsed === 'malformed' || parsed === 'mistyped' || accountNumberHash(parsed.number).length === 32);
  });
  assertProperty(anything);
});

test('account numbers use their whole alphabet and do not repeat', () => {
  const numbers = Array.from({ length: 2000 }, () => newAccountNumber(random));
  assert.equal(new Set(numbers).size, numbers.length);
  assert.equal(new Set(numbers.join('').replaceAll('-', '')).size, 32);
});

test('failures wait longer and longer, and then are sent away; time heals', async () => {
  const clock = new ManualClock(0);
  const waits: number[] = [];
  const limiter = new FailureLimiter(clock, { burst: 3, perSecond: 2, longest: 1000 }, async (wait) =>
    waits.push(wait),
  );
  const spent = [];
  for (let attempt = 0; attempt < 7; attempt += 1) spent.push(await limiter.spend());
  assert.deepEqual(spent, [true, true, true, true, true, false, false]);
  assert.deepEqual(waits, [500, 1000]);
  clock.advance(500);
  assert.equal(await limiter.spend(), true);
  clock.advance(60_000);
  assert.equal(await limiter.spend(), true);
  assert.deepEqual(waits, [500, 1000, 1000]);
});

test('the wait is a real one', async () => {
  const clock = new ManualClock(0);
  const limiter = new FailureLimiter(clock, { burst: 0, perSecond: 100, longest: 50 });
  const before = performance.now();
  assert.equal(await limiter.spend(), true);
  assert.ok(performance.now() - before >= 8);
});

let house: TestControl;
before(async () => {
  house = await openTestControl();
});
after(() => house.close());

async function newCustomer(): Promise<{ made: SignUp; customer: Customer }> {
  const { accounts } = house.control.services;
  const made = await accounts.signUp();
  assert.ok(typeof made !== 'string');
  return { made, customer: (await accounts.customerOf(made.signIn.token)) as Customer };
}

test('nothing that is shown is kept: no account number, token, username or password in any table', async () => {
  const { made } = await newCustomer();
  const secrets = [made.accountNumber, made.accountNumber.replaceAll('-', ''), made.signIn.token];
  secrets.push(...Object.values(await house.control.services.credentials.rotate(made.customer)));
  const tables = ['accounts', 'licences', 'credentials', 'sign_ins'] as const;
  for (const table of tables) {
    const rows = JSON.stringify(
      await house.database.db.selectFrom(table).selectAll().execute(),
      (_key, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value),
    );
    for (const secret of secrets) assert.equal(rows.includes(secret), false);
  }
});

/** A service that is overwhelmed after two calls of a kind, and one more that would wait. */
function impatientService(): AccountService {
  const { db } = house.database;
  const { clock } = house;
  const limiter = () => new FailureLimiter(clock, { burst: 2, perSecond: 1, longest: 1000 }, () => Promise.resolve());
  const offer = { days: 30, seats: 5 };
  const signIns = new AccountLimiter(clock, { burst: 30, perHour: 60 });
  const forms = new Forms(formKeyOf(usageKey(new Uint8Array(32))), clock, systemRandom);
  const room = new Room({ most: 1000, count: async () => 0, journal: new RecordingJournal() });
  const context = { db, clock, random: systemRandom, forms, offer, room };
  return new AccountService({ ...context, changed: () => undefined, failures: limiter(), signIns, signUps: limiter() });
}

test('a flood of wrong numbers does not keep a customer out', async () => {
  const { made } = await newCustomer();
  const service = impatientService();
  const answers = await Promise.all(Array.from({ length: 20 }, () => service.signIn('0'.repeat(20))));
  assert.equal(answers.filter((answer) => answer === 'unknown').length, 3);
  assert.equal(answers.filter((answer) => answer === 'busy').length, 17);
  assert.equal(typeof (await service.signIn(made.accountNumber)), 'object');
});

test('a flood of sign-ups is bounded', async () => {
  const service = impatientService();
  const answers = await Promise.all(Array.from({ length: 20 }, () => service.signUp()));
  assert.equal(answers.filter((answer) => answer === 'busy').length, 17);
  const another = impatientService();
  const forms = Array.from({ length: 20 }, () => another.signUpForm());
  const sent = await Promise.all(forms.map((form) => another.signUpOnce(form, undefined)));
  assert.equal(sent.filter((answer) => answer === 'busy').length, 17);
});

test('a token is worth nothing in any other form', async () => {
  const { made } = await newCustomer();
  const { accounts } = house.control.services;
  const { token } = made.signIn;
  for (const other of ['', `${token}a`, token.slice(1), `${token.slice(0, -1)}~`, 'A'.repeat(43), '\0'.repeat(43)]) {
    assert.equal(await accounts.customerOf(other), undefined);
    await accounts.signOut(other);
  }
  assert.ok((await accounts.customerOf(token)) !== undefined);
});

test('remembered: the rows of the customer, live seats and usage events, and nobody else', async () => {
  const { customer } = await newCustomer();
  await newCustomer();
  const { db } = house.database;
  await house.control.services.credentials.rotate(customer);
  const { name_key: nameKey } = await db
    .selectFrom('credentials')
    .where('licence', '=', customer.licence.id)
    .selectAll()
    .executeTakeFirstOrThrow();
  const { usageKey } = readMaterial(house.config);
  const event = { date: '2026-11-21', country: 'CH', isp: 'Example Net', megabytes: 3, location: 'ch-zrh' };
  const protocol = 'ikev2';
  const user = await storedTag(db, usageKey, event.date, usageTagOf(usageKey, nameKey));
  await storeBatch(db, 'batch-one', today(house.clock), [{ ...event, user, protocol }]);
  await storeBatch(db, 'batch-two', today(house.clock), [{ ...event, user: 'f'.repeat(16), protocol }]);
  await house.control.services.devices.add(customer, Buffer.alloc(32, 3).toString('base64'));
  house.clock.advance(GATHERING);
  await house.control.publisher.tick();
  house.control.seats.beat('zrh-01', [{ session: 'aabbccddeeff0011' as SessionId, licence: customer.licence.id }]);
  const { rows } = await house.control.services.remembered.of(customer);
  assert.deepEqual(
    rows.map((remembered) => remembered.store),
    [
      'database.accounts',
      'database.licences',
      'database.sign_ins',
      'database.credentials',
      'database.devices',
      'database.usage_events',
      'live.seats',
    ],
  );
  const licence = rows[1]?.fields.find((field) => field.name === 'seats');
  assert.deepEqual(licence?.value, '5');
  assert.match(licence?.retention ?? '', /90 days/);
});

test('a row that nobody declared is not shown', () => {
  assert.throws(() => rememberedRow('database.licences', { source_ip: '192.0.2.7' }), UndeclaredError);
  assert.throws(() => rememberedRow('database.secrets', {}), UndeclaredError);
});

test('copies of the program that start at once have one salt', async () => {
  const other = await openTemporaryDatabase();
  const { db } = other;
  try {
    // Each has its connection before it begins.
    await Promise.all(Array.from({ length: 6 }, () => sql`select pg_sleep(0.3)`.execute(db)));
    const salts = await Promise.all(Array.from({ length: 6 }, () => credentialSalt(db, systemRandom)));
    assert.equal(new Set(salts.map((salt) => Buffer.from(salt).toString('hex'))).size, 1);
    assert.equal((await db.selectFrom('authfile').selectAll().execute()).length, 1);
  } finally {
    await other.close();
  }
});

test('rotations that come at once all succeed, and one pair of credentials is left', async () => {
  const { customer } = await newCustomer();
  const rotations = Array.from({ length: 8 }, () => house.control.services.credentials.rotate(customer));
  const made = await Promise.all(rotations);
  assert.equal(new Set(made.map(({ username }) => username)).size, 8);
  const { db } = house.database;
  const kept = await db.selectFrom('credentials').where('licence', '=', customer.licence.id).selectAll().execute();
  assert.equal(kept.length, 1);
});

test('an account has twenty sign-ins: with one more, one of the oldest ends', async () => {
  const { made, customer } = await newCustomer();
  const { db } = house.database;
  const { accounts } = house.control.services;
  const hashes = Array.from({ length: 30 }, () => systemRandom.bytes(32));
  const rows = hashes.map((token_hash) => ({ token_hash, account: customer.account, expires_on: '2026-12-30' }));
  await db.insertInto('sign_ins').values(rows).execute();
  await db
    .updateTable('sign_ins')
    .set({ expires_on: '2026-12-31' })
    .where('token_hash', '=', hashes[7] as Uint8Array)
    .execute();
  const signedIn = await accounts.signIn(made.accountNumber);
  assert.ok(typeof signedIn !== 'string');
  const left = await db.selectFrom('sign_ins').where('account', '=', customer.account).selectAll().execute();
  assert.equal(left.length, MOST_SIGN_INS);
  assert.ok(left.some((row) => row.expires_on === '2026-12-31'));
  assert.equal((await accounts.customerOf(signedIn.token))?.account, customer.account);
});

test('one account that signs in again and again is told to wait, and no other is', async () => {
  const [busy, quiet] = [await newCustomer(), await newCustomer()];
  const { accounts } = house.control.services;
  const answers = [];
  for (let attempt = 0; attempt < 40; attempt += 1) answers.push(await accounts.signIn(busy.made.accountNumber));
  assert.equal(answers.filter((answer) => answer === 'busy').length, 10);
  assert.equal(typeof (await accounts.signIn(quiet.made.accountNumber)), 'object');
  house.clock.advance(60_000);
  assert.equal(typeof (await accounts.signIn(busy.made.accountNumber)), 'object');
});

test('what is remembered is read a page at a time, all of it and nothing twice', async () => {
  const { customer } = await newCustomer();
  const { db } = house.database;
  const hashes = Array.from({ length: 450 }, () => systemRandom.bytes(32));
  const rows = hashes.map((token_hash) => ({ token_hash, account: customer.account, expires_on: '2026-12-30' }));
  await db.insertInto('sign_ins').values(rows).execute();
  const { remembered } = house.control.services;
  for (const limit of [undefined, 7, 10_000]) {
    const seen: string[] = [];
    let cursor: string | undefined = '0.0';
    while (cursor !== undefined) {
      const page: RememberedPage = await remembered.of(customer, { cursor, ...(limit === undefined ? {} : { limit }) });
      assert.ok(page.rows.length <= Math.min(limit ?? MOST_ROWS, MOST_ROWS));
      seen.push(...page.rows.map((row) => JSON.stringify(row)));
      cursor = page.next;
    }
    // The account, its licence, the sign-in of the sign-up, and those.
    assert.equal(seen.length, 453);
    assert.equal(new Set(seen).size, 453);
  }
  for (const cursor of ['', '-1.0', '0', '0.0.0', '999.999999999', 'x', '0.1e3']) {
    assert.deepEqual(await remembered.of(customer, { cursor }), { rows: [], next: undefined });
  }
});

test('licence numbers are random and fit the auth file', async () => {
  const licences: LicenceId[] = [];
  for (let round = 0; round < 6; round += 1) licences.push((await newCustomer()).customer.licence.id);
  assert.equal(new Set(licences).size, 6);
  for (const licence of licences) assert.ok(licence >= 1 && licence < 2 ** 39);
  assert.ok(Math.max(...licences) - Math.min(...licences) > 1_000_000);
});
