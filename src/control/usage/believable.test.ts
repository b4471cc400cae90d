// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assert as assertProperty, property, string } from 'fast-check';
import type { UsageEvent } from '../../contracts/usage/event.ts';
import { type EpochDay, isoDate, parseIsoDate } from '../../core/clock/clock.ts';
import { believable, MOST_MEGABYTES } from './believable.ts';

const DAY = parseIsoDate('2026-11-21') as EpochDay;
const NAMES = new Set(['Example Net', 'M247 Europe SRL']);
const EVENT = {
  date: '2026-11-21',
  user: '00112233aabbccdd',
  country: 'CH',
  isp: 'Example Net',
  megabytes: 10,
  location: 'ch-zrh',
  protocol: 'wireguard',
} as UsageEvent;

function judged(change: object, names: ReadonlySet<string> | undefined = NAMES): UsageEvent | undefined {
  return believable({ ...EVENT, ...change }, { location: 'ch-zrh', day: DAY, names });
}

/** What a taken gateway would put into the name of a network: an address, a name, a time, in any writing. */
const SMUGGLED = [
  '203 0 113 7 50000 2026-11-27T15.00.00',
  'cb007107',
  '203-0-113-7',
  '２０３．０．１１３．７',
  '٢٠٣٫٠٫١١٣٫٧',
  '2001-db8--7',
  '15h04',
  'a@example.net',
  'two zero three, 0x71',
];

test('an event of an honest gateway is stored as it came', () => {
  assert.deepEqual(judged({}), EVENT);
  assert.deepEqual(judged({ isp: 'M247 Europe SRL', country: 'XK' }), {
    ...EVENT,
    isp: 'M247 Europe SRL',
    country: 'XK',
  });
  assert.deepEqual(judged({ isp: 'unknown', country: 'unknown' }), { ...EVENT, isp: 'unknown', country: 'unknown' });
});

test('a day is one of the last two weeks, or tomorrow where a clock is ahead', () => {
  for (const days of [-14, -1, 0, 1]) assert.ok(judged({ date: isoDate((DAY + days) as EpochDay) }) !== undefined);
  for (const days of [-15, 2]) assert.equal(judged({ date: isoDate((DAY + days) as EpochDay) }), undefined);
  for (const date of ['9999-12-31', '0001-01-01']) assert.equal(judged({ date }), undefined);
});

test('a gateway speaks for its own location, and of no more than a line carries in a day', () => {
  for (const location of ['xx-nowhere', 'de-fra', '']) assert.equal(judged({ location }), undefined);
  assert.ok(judged({ megabytes: MOST_MEGABYTES }) !== undefined);
  for (const megabytes of [MOST_MEGABYTES + 1, 2 ** 53 - 1]) assert.equal(judged({ megabytes }), undefined);
  assert.ok(MOST_MEGABYTES < 2 ** 27, 'less than an address');
});

test('a country that there is not is unknown', () => {
  for (const country of ['ZZ', 'AA', 'EU', 'UK', 'XX']) assert.equal(judged({ country })?.country, 'unknown');
});

test('a network that the list does not have is unknown, whatever the bytes', () => {
  for (const isp of [...SMUGGLED, 'Example Net ', 'example net']) assert.equal(judged({ isp })?.isp, 'unknown', isp);
  assertProperty(
    property(string({ unit: 'binary', maxLength: 120 }), (isp) => {
      const stored = judged({ isp })?.isp as string;
      assert.ok(stored === 'unknown' || NAMES.has(stored));
    }),
  );
});

test('without a list, a name has letters and at most three digits', () => {
  const stored = (isp: string) =>
    believable({ ...EVENT, isp } as UsageEvent, { location: 'ch-zrh', day: DAY, names: undefined });
  for (const isp of ['Example Net', 'M247 Europe SRL', '1&1 Versatel', 'Łódź-Online (PL)'])
    assert.equal(stored(isp)?.isp, isp);
  for (const isp of SMUGGLED.slice(0, 6)) assert.equal(stored(isp)?.isp, 'unknown', isp);
  assertProperty(
    property(string({ unit: 'binary', maxLength: 120 }), (isp) => {
      assert.ok((stored(isp)?.isp.match(/\p{N}/gu) ?? []).length <= 3);
    }),
  );
});
