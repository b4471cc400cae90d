// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assert as always, property, string } from 'fast-check';
import { openTestControl, type TestControl } from '../../../proof/labs/control/test-control.os.ts';
import { type EpochDay, ManualClock, today } from '../../core/clock/clock.ts';
import { seededRandom } from '../../core/random/random.ts';
import { answerAccount } from '../program/account.cli.ts';
import { forget } from '../program/housekeeping.ts';
import { usageKey } from '../usage/tag.ts';
import type { Customer, SignUp } from './account.ts';
import { Forms, formKeyOf } from './forms.ts';

const KEY = formKeyOf(usageKey(new Uint8Array(32).fill(7)));
const DAY = 86_400_000;
const START = Date.UTC(2026, 10, 21, 12);

function formsAt(time = START): { forms: Forms; clock: ManualClock } {
  const clock = new ManualClock(time);
  return { forms: new Forms(KEY, clock, seededRandom('forms')), clock };
}

test('the same field draws the same, another field and another purpose something else', () => {
  const { forms } = formsAt();
  const field = forms.make('a');
  const drawn = () => forms.open('a', field)?.random.bytes(18);
  assert.deepEqual(drawn(), drawn());
  assert.notDeepEqual(drawn(), forms.open('a', forms.make('a'))?.random.bytes(18));
  assert.equal(forms.open('b', field), undefined);
  assert.equal(
    new Forms(formKeyOf(usageKey(new Uint8Array(32))), formsAt().clock, seededRandom('')).open('a', field),
    undefined,
  );
  const random = forms.open('a', field)?.random;
  assert.notDeepEqual(random?.bytes(18), random?.bytes(18));
  assert.throws(() => random?.bytes(300), RangeError);
});

test('a field is worth nothing after the day that follows it, and before its own', () => {
  const { forms, clock } = formsAt();
  const field = forms.make('a');
  clock.jump(DAY);
  assert.ok(forms.open('a', field));
  clock.jump(DAY);
  assert.equal(forms.open('a', field), undefined);
  assert.equal(formsAt(START - DAY).forms.open('a', field), undefined);
});

test('a field says what was there when it was made, and not in words', () => {
  const { forms } = formsAt();
  const opened = forms.open('a', forms.make('a', 'old'));
  assert.equal(opened?.saw('old'), true);
  assert.equal(opened.saw(''), false);
});

test('a field that was changed anywhere, and junk, open nothing', () => {
  const { forms } = formsAt();
  const field = Buffer.from(forms.make('a'), 'base64url');
  for (let at = 0; at < field.length; at += 1) {
    const other = Buffer.from(field);
    other.writeUInt8((other.readUInt8(at) + 1) & 255, at);
    assert.equal(forms.open('a', other.toString('base64url')), undefined, String(at));
  }
  always(property(string({ maxLength: 80 }), (text) => forms.open('a', text) === undefined));
});

let house: TestControl;
before(async () => {
  house = await openTestControl();
});
after(() => house.close());

async function accountsNow(): Promise<number> {
  return (await house.database.db.selectFrom('accounts').select('id').execute()).length;
}

async function newCustomer(): Promise<Customer> {
  return house.customer();
}

test('one form makes one account, however often and by how many at once it is sent', async () => {
  const { accounts } = house.control.services;
  const before = await accountsNow();
  const form = accounts.signUpForm();
  const answers = await Promise.all(Array.from({ length: 4 }, () => accounts.signUpOnce(form, undefined)));
  const made = answers.filter((answer): answer is SignUp => typeof answer === 'object' && answer.signIn !== undefined);
  assert.equal(made.length, 4);
  assert.equal(new Set(made.map((answer) => answer.accountNumber)).size, 1);
  assert.equal(new Set(made.map((answer) => answer.customer.account)).size, 1);
  assert.equal(await accountsNow(), before + 1);
  const [first] = made as [SignUp];
  assert.equal(accounts.numberOf(form), first.accountNumber);
  assert.deepEqual(await accounts.customerOf(first.signIn.token), first.customer);
  assert.equal(typeof (await accounts.signIn(first.accountNumber)), 'object');
});

test('a form whose account has another number now, or is deleted, makes nothing any more', async () => {
  const { accounts } = house.control.services;
  const { db } = house.database;
  for (const leave of ['change', 'close', 'closed by the operator'] as const) {
    const form = accounts.signUpForm();
    const { customer, signIn, accountNumber } = (await accounts.signUpOnce(form, undefined)) as SignUp;
    if (leave === 'change') await accounts.changeNumber(customer, signIn.token);
    else if (leave === 'close') await accounts.close(customer);
    else {
      const question = { verb: 'close', typed: accountNumber, days: 0 } as const;
      assert.equal(typeof (await answerAccount(house.config, question, house.clock)), 'object');
    }
    const before = await accountsNow();
    const present = leave === 'change' ? customer : undefined;
    for (const again of [present, undefined, await newCustomer()])
      assert.equal(await accounts.signUpOnce(form, again), 'used', leave);
    assert.equal(await accountsNow(), before + 1);
    assert.equal(await accounts.signIn(accountNumber), 'unknown');
  }
  const closed = await db.selectFrom('closed_accounts').select('closed_on').execute();
  assert.deepEqual(closed, [{ closed_on: '2026-11-21' }, { closed_on: '2026-11-21' }]);
  await forget(db, (today(house.clock) + 2) as EpochDay);
  assert.equal((await db.selectFrom('closed_accounts').select('closed_on').execute()).length, 2);
  await forget(db, (today(house.clock) + 3) as EpochDay);
  assert.deepEqual(await db.selectFrom('closed_accounts').select('closed_on').execute(), []);
});

test('a form that is sent while its account is being deleted makes nothing', async () => {
  const { accounts } = house.control.services;
  const form = accounts.signUpForm();
  const { customer } = (await accounts.signUpOnce(form, undefined)) as SignUp;
  const before = await accountsNow();
  const answers = await Promise.all([
    accounts.close(customer),
    ...Array.from({ length: 8 }, () => accounts.signUpOnce(form, undefined)),
  ]);
  assert.equal(await accountsNow(), before - 1, JSON.stringify(answers.map((answer) => typeof answer)));
  assert.equal(await accounts.signUpOnce(form, undefined), 'used');
});

test('who is signed in already sends the form again and nothing is written; another customer is signed in anew', async () => {
  const { accounts } = house.control.services;
  const form = accounts.signUpForm();
  const first = (await accounts.signUpOnce(form, await newCustomer())) as SignUp;
  const signIns = async () => (await house.database.db.selectFrom('sign_ins').select('account').execute()).length;
  const before = await signIns();
  const again = await accounts.signUpOnce(form, first.customer);
  assert.deepEqual(again, { accountNumber: first.accountNumber, customer: first.customer, signIn: undefined });
  assert.equal(await signIns(), before);
  assert.equal(await accounts.signUpOnce('junk', undefined), 'stale');
  assert.equal(accounts.numberOf('junk'), undefined);
});

test('one form makes new credentials once; when others were made since, it changes nothing', async () => {
  const { credentials } = house.control.services;
  const customer = await newCustomer();
  const stored = () =>
    house.database.db.selectFrom('credentials').where('licence', '=', customer.licence.id).selectAll().execute();
  assert.equal(await credentials.present(customer), false);
  const form = await credentials.form(customer);
  const [first, second] = await Promise.all([
    credentials.rotateOnce(customer, form),
    credentials.rotateOnce(customer, form),
  ]);
  assert.notEqual(first, 'stale');
  assert.deepEqual(first, second);
  assert.equal(await credentials.present(customer), true);
  const rows = await stored();
  assert.deepEqual(await credentials.rotateOnce(customer, form), first);
  assert.deepEqual(await stored(), rows);

  const later = await credentials.form(customer);
  assert.notDeepEqual(await credentials.rotateOnce(customer, later), first);
  const newest = await stored();
  assert.equal(await credentials.rotateOnce(customer, form), 'stale');
  assert.equal(await credentials.rotateOnce(await newCustomer(), later), 'stale');
  assert.deepEqual(await stored(), newest);
});

test('credentials have no letter that looks like another', async () => {
  const { username, password, ikePassword } = await house.control.services.credentials.rotate(await newCustomer());
  for (const secret of [username, password, ikePassword]) assert.match(secret, /^[2-9abcdefghijkmnpqrstuvwxyz]{20}$/);
  assert.equal(new Set([username, password, ikePassword]).size, 3);
});
