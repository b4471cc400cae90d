// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../core/clock/clock.ts';
import { seededRandom } from '../../core/random/random.ts';
import type { AccountId } from './account.ts';
import { AccountLimiter } from './account-limiter.ts';
import { drawCredentials } from './credential.ts';
import { deviceKeyText, parseDeviceKey } from './device-key.ts';
import { FailureLimiter } from './failure-limiter.ts';
import { type FormKey, Forms } from './forms.ts';
import { newAccountNumber, parseAccountNumber } from './number.ts';
import { MOST_TRIAL_KEYS, TrialKeys } from './trial-keys.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const ALICE = '0011223344556677' as AccountId;
const BOB = '1122334455667788' as AccountId;

test('an account does a number of things at once, then as many as an hour gives, and no other pays for it', () => {
  const clock = new ManualClock(0);
  const limiter = new AccountLimiter(clock, { burst: 3, perHour: 6 });
  const spent = (account: AccountId) => Array.from({ length: 5 }, () => limiter.spend(account)).filter(Boolean).length;
  assert.equal(spent(ALICE), 3);
  assert.equal(spent(BOB), 3);
  clock.advance(HOUR / 6 - 1);
  assert.equal(spent(ALICE), 0);
  clock.advance(1);
  assert.equal(spent(ALICE), 1);
  clock.advance(100 * HOUR);
  assert.equal(spent(ALICE), 3);
});

test('failures wait, longer and longer, and then are sent away', async () => {
  const clock = new ManualClock(0);
  const waits: number[] = [];
  const limits = { burst: 2, perSecond: 1, longest: 3000 };
  const limiter = new FailureLimiter(clock, limits, async (milliseconds) => void waits.push(milliseconds));
  const answers = [];
  for (let failure = 0; failure < 7; failure += 1) answers.push(await limiter.spend());
  assert.deepEqual(answers, [true, true, true, true, true, false, false]);
  assert.deepEqual(waits, [1000, 2000, 3000]);
});

test('a form is of its purpose, of our key and of today or yesterday, and every bit of it counts', () => {
  const clock = new ManualClock(10 * DAY);
  const forms = (seed: string) => new Forms(seededRandom(seed).bytes(32) as FormKey, clock, seededRandom('nonces'));
  const field = forms('key').make('sign-up', 'before');
  const opened = forms('key').open('sign-up', field);
  assert.deepEqual([opened?.saw('before'), opened?.saw('after')], [true, false]);
  assert.deepEqual(opened?.random.bytes(20), forms('key').open('sign-up', field)?.random.bytes(20));
  assert.throws(() => opened?.random.bytes(256), RangeError);
  assert.equal(forms('key').open('number', field), undefined);
  assert.equal(forms('another key').open('sign-up', field), undefined);
  for (const junk of ['', field.slice(1), `${field}A`, `${field}\n`, ` ${field}`, `${field.slice(0, -1)}!`])
    assert.equal(forms('key').open('sign-up', junk), undefined);
  const bytes = Buffer.from(field, 'base64url');
  for (let at = 0; at < bytes.length; at += 1) {
    const other = Buffer.from(bytes);
    other.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    assert.equal(forms('key').open('sign-up', other.toString('base64url')), undefined, `byte ${at}`);
  }
  clock.advance(DAY);
  assert.ok(forms('key').open('sign-up', field));
  clock.advance(DAY);
  assert.equal(forms('key').open('sign-up', field), undefined, 'two days old');
  clock.jump(-3 * DAY);
  assert.equal(forms('key').open('sign-up', field), undefined, 'of tomorrow');
});

test('a key of a device has one written form, and is no point of small order', () => {
  const key = Buffer.from(seededRandom('device').bytes(32));
  assert.equal(deviceKeyText(parseDeviceKey(key.toString('base64')) ?? new Uint8Array()), key.toString('base64'));
  const written = key.toString('base64');
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const last = digits.charAt(digits.indexOf(written.charAt(42)) + 1);
  const other = `${written.slice(0, 42)}${last}=`;
  assert.deepEqual(Buffer.from(other, 'base64'), key, 'bits that stand for nothing');
  assert.equal(parseDeviceKey(other), undefined);
  const small = [
    '00'.repeat(32),
    `01${'00'.repeat(31)}`,
    `ec${'ff'.repeat(30)}7f`,
    `ed${'ff'.repeat(30)}7f`,
    `ee${'ff'.repeat(30)}7f`,
  ];
  for (const hex of [...small, 'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800']) {
    const point = Buffer.from(hex, 'hex');
    assert.equal(parseDeviceKey(point.toString('base64')), undefined, hex);
    point.writeUInt8(point.readUInt8(31) | 0x80, 31);
    assert.equal(parseDeviceKey(point.toString('base64')), undefined, `${hex} with the top bit`);
  }
});

test('an account number has two digits that check the others, and is not looked for in a book', () => {
  const number = newAccountNumber(seededRandom('number'));
  assert.deepEqual(parseAccountNumber(number), { number });
  for (const at of [18, 19]) {
    const digits = number.replaceAll('-', '').split('');
    digits[at] = digits[at] === '7' ? '8' : '7';
    assert.equal(parseAccountNumber(digits.join('')), 'mistyped', `digit ${at}`);
  }
  assert.equal(parseAccountNumber(`${' '.repeat(200)}${number}`), 'malformed');
});

test('what a customer is given has a hundred bits by chance', () => {
  const { username, password, ikePassword } = drawCredentials(seededRandom('credentials'));
  for (const secret of [username, password, ikePassword]) assert.match(secret, /^[2-9a-km-z]{20}$/);
  assert.equal(new Set([username, password, ikePassword]).size, 3);
});

test('trials have so many keys together, and no more', () => {
  const clock = new ManualClock(0);
  const keys = new TrialKeys(clock, 30, 0);
  let taken = 0;
  while (taken <= MOST_TRIAL_KEYS && keys.take()) taken += 1;
  assert.equal(taken, MOST_TRIAL_KEYS / 2);
  clock.advance((32 * DAY) / (MOST_TRIAL_KEYS / 2) + 1);
  assert.deepEqual([keys.take(), keys.take()], [true, false]);
});
