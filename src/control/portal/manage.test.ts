// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { onceIn, type Visitor, valueAfter } from '../../../proof/labs/customers/visitor.ts';
import { openTestPortal } from '../../../proof/labs/portal/test-portal.os.ts';

const lab = await openTestPortal();
after(() => lab.close());

/** A customer, the account's number, and the same customer in another browser. */
async function inTwoBrowsers(): Promise<{ visitor: Visitor; number: string; other: Visitor }> {
  const visitor = lab.visitor();
  const number = valueAfter(
    await visitor.submit('/sign-up', { once: onceIn(await visitor.read('/')) }),
    'Account number',
  );
  const other = lab.visitor();
  assert.match(await other.submit('/sign-in', { number }), /Your account/);
  await visitor.read('/account');
  return { visitor, number, other };
}

test('other browsers are signed out, and this one is not', async () => {
  const { visitor, other } = await inTwoBrowsers();
  assert.doesNotMatch(await visitor.read('/account/manage'), /have ended/);
  assert.match(await visitor.submit('/account/manage/others'), /All other sign-ins have ended/);
  assert.match(await visitor.read('/account'), /Trial until/);
  assert.match(await other.read('/account'), /You were signed out/);
});

test('a number that leaked is replaced: the old one is dead, a reload shows the new one again, an old form changes nothing', async () => {
  const { visitor, number, other } = await inTwoBrowsers();
  const once = onceIn(await visitor.read('/account/manage/number'));
  const earlier = onceIn(await visitor.read('/account/manage/number'));
  const fresh = valueAfter(await visitor.submit('/account/manage/number', { once }), 'Account number');
  assert.notEqual(fresh, number);
  assert.match(await other.read('/account'), /You were signed out/);
  assert.match(await lab.visitor().submit('/sign-in', { number }, 422), /There is no account with this number/);
  assert.match(await other.submit('/sign-in', { number: fresh }), /Your account/);

  assert.equal(valueAfter(await visitor.submit('/account/manage/number', { once }), 'Account number'), fresh);
  assert.match(await other.read('/account'), /Trial until/, 'the form that is sent again ends no sign-in');
  for (const stale of [earlier, '', 'x'.repeat(59)]) {
    assert.match(await visitor.submit('/account/manage/number', { once: stale }, 422), /Nothing was changed/);
  }
  assert.match(await lab.visitor().submit('/sign-in', { number: fresh }), /Your account/);

  assert.match(await visitor.submit('/account/manage/number/file', { once }), new RegExp(`Account number: ${fresh}`));
  assert.match(await visitor.submit('/account/manage/number/file', { once: 'x' }, 422), /Nothing was changed/);
});

test('the form of one customer changes nothing of another', async () => {
  const one = await inTwoBrowsers();
  const two = await inTwoBrowsers();
  const once = onceIn(await one.visitor.read('/account/manage/number'));
  assert.match(await two.visitor.submit('/account/manage/number', { once }, 422), /Nothing was changed/);
  assert.match(await two.visitor.submit('/account/manage/number/file', { once }, 422), /Nothing was changed/);
  assert.match(await lab.visitor().submit('/sign-in', { number: two.number }), /Your account/);
});

test('an account is deleted only from the page that asks, and then it is gone everywhere', async () => {
  const { visitor, number, other } = await inTwoBrowsers();
  assert.match(await visitor.read('/account/manage/close'), /Delete my account for good/);
  assert.match(await visitor.read('/account'), /Trial until/, 'looking at the page changes nothing');
  const forged = await visitor.send('/account/manage/close', { method: 'POST' });
  assert.equal(forged.status, 409, 'without the token of the form');
  assert.match(await visitor.read('/account'), /Trial until/);

  assert.match(await visitor.submit('/account/manage/close'), /Your account is deleted/);
  assert.equal(visitor.cookie, undefined);
  assert.match(await visitor.read('/account'), /Sign in/);
  assert.match(await other.read('/account'), /You were signed out/);
  assert.match(await lab.visitor().submit('/sign-in', { number }, 422), /There is no account with this number/);
});
