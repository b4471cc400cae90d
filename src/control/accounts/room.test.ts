// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openTestControl, type TestControl } from '../../../proof/labs/control/test-control.os.ts';
import { LONGEST_FILE } from '../../contracts/authfile/size.ts';
import { RecordingJournal } from '../../core/journal/journal.ts';
import { parseControlConfig } from '../program/config.ts';
import type { SignUp } from './account.ts';
import { MOST_ACCOUNTS, Room, USUAL_ACCOUNTS } from './room.ts';

const MOST = 20;

let house: TestControl;
before(async () => {
  house = await openTestControl({ mostAccounts: MOST });
});
after(() => house.close());

async function accountsNow(): Promise<number> {
  return (await house.database.db.selectFrom('accounts').select('id').execute()).length;
}

test('a stranger who signs up for weeks at the permitted rate makes no account beyond the bound, and is told what to do', async () => {
  const { accounts } = house.control.services;
  const answers: string[] = [];
  for (let day = 0; day < 3; day += 1) {
    for (let request = 0; request < MOST; request += 1) {
      const api = await house.ask('POST', '/api/v1/accounts');
      const once = new URLSearchParams({ once: accounts.signUpForm() }).toString();
      const headers = { 'content-type': 'application/x-www-form-urlencoded' };
      const page = await house.ask('POST', '/sign-up', { body: once, headers });
      answers.push(`${api.status}`, `${page.status}`);
      house.clock.advance(3_600_000);
      if (api.status === 201 || page.status === 200) continue;
      assert.equal(((await api.json()) as { code: string }).code, 'full');
      assert.equal(api.headers.get('retry-after'), '3600');
      const text = await page.text();
      assert.match(text, /takes no new accounts right now/);
      assert.match(text, /<a href="\/sign-in">Sign in<\/a>/);
      assert.equal(page.headers.get('retry-after'), '3600');
    }
    await house.control.housekeeping.round();
  }
  assert.equal(await accountsNow(), MOST);
  assert.deepEqual([...new Set(answers)], ['201', '200', '503']);
  assert.deepEqual(house.journal.events.slice(-2), [
    { code: 'accounts_filling', accounts: 0.9 * MOST, most: MOST },
    { code: 'accounts_full', accounts: MOST, most: MOST },
  ]);
});

test('in a full service a form shows the number that it made, and what is deleted makes room at the next count', async () => {
  const { accounts } = house.control.services;
  const { db } = house.database;
  await db.deleteFrom('accounts').execute();
  assert.equal(await accounts.signUp(), 'full', 'not before it is counted');
  await house.control.housekeeping.round();
  assert.deepEqual(house.journal.events.at(-1), { code: 'accounts_freed' });
  const form = accounts.signUpForm();
  const made = (await accounts.signUpOnce(form, undefined)) as SignUp;
  while ((await accountsNow()) < MOST) {
    const several = await Promise.all([1, 2, 3].map(() => accounts.signUpOnce(form, undefined)));
    assert.ok(
      several.every((answer) => typeof answer === 'object'),
      'the same account, and no room taken',
    );
    assert.equal(typeof (await accounts.signUp()), 'object');
    house.clock.advance(60_000);
  }
  assert.equal(await accounts.signUp(), 'full');
  assert.equal(await accounts.signUpOnce(accounts.signUpForm(), undefined), 'full');
  const again = (await accounts.signUpOnce(form, undefined)) as SignUp;
  assert.equal(again.accountNumber, made.accountNumber);
});

test('an operator is told once when room becomes scarce, when there is none, and when there is again', async () => {
  const journal = new RecordingJournal();
  let there = 8;
  const room = new Room({ most: 10, count: async () => there, journal });
  const take = (made = true) => room.take(async () => ({ made, answer: 'yes' }));
  await room.recount();
  assert.deepEqual([await take(), await take(false), await take(), await take()], ['yes', 'yes', 'yes', 'full']);
  there = 8;
  await room.recount();
  there = 9;
  await room.recount();
  await room.recount();
  await assert.rejects(room.take(() => Promise.reject(new Error('no database'))));
  const words = ['filling', 'full', 'filling', 'full', 'freed', 'filling', 'full', 'filling'];
  assert.deepEqual(
    journal.codes(),
    words.map((word) => `accounts_${word}`),
  );
});

test('what is being made while it is counted is not missed', async () => {
  const counting = Promise.withResolvers<number>();
  const making = [Promise.withResolvers<boolean>(), Promise.withResolvers<boolean>(), Promise.withResolvers<boolean>()];
  const room = new Room({ most: 10, count: () => counting.promise, journal: new RecordingJournal() });
  const take = (made: Promise<boolean>) => room.take(async () => ({ made: await made, answer: 'yes' }));
  const takes = making.slice(0, 2).map(({ promise }) => take(promise));
  const counted = room.recount();
  takes.push(...making.slice(2).map(({ promise }) => take(promise)));
  for (const [index, { resolve }] of making.entries()) resolve(index !== 1);
  await Promise.all(takes);
  counting.resolve(7);
  await counted;
  assert.equal(await take(Promise.resolve(true)), 'yes', 'seven counted, two made meanwhile, one not made');
  assert.equal(await take(Promise.resolve(true)), 'full');
});

test('the bound is what fits into an auth file beside the keys of all inner addresses, or less', () => {
  const bytes = MOST_ACCOUNTS * 68 + 2 ** 22 * 52;
  assert.ok(bytes < LONGEST_FILE && bytes > 0.99 * LONGEST_FILE, `${bytes}`);
  const taken = (mostAccounts?: number) =>
    parseControlConfig(JSON.stringify({ ...house.config, ...(mostAccounts === undefined ? {} : { mostAccounts }) }));
  const unsaid = JSON.parse(JSON.stringify(house.config)) as Record<string, unknown>;
  delete unsaid['mostAccounts'];
  assert.equal((parseControlConfig(JSON.stringify(unsaid)) as { mostAccounts: number }).mostAccounts, USUAL_ACCOUNTS);
  assert.ok('problem' in taken(MOST_ACCOUNTS + 1) && 'problem' in taken(0) && !('problem' in taken(MOST_ACCOUNTS)));
});
