// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EpochDay, ManualClock } from '../../core/clock/clock.ts';
import type { UsageTag } from '../../core/licences/licence.ts';
import type { UsageRecord } from '../../core/sessions/session.ts';
import { MOST_RESTING, Rests } from './rests.ts';

const DAY = 20_000 as EpochDay;
const HOUR = 3_600_000;

function record(totalBytes: number, given: Partial<UsageRecord> = {}): UsageRecord {
  const origin = { country: 'CH', isp: 'Example Net' };
  return { usageTag: '00112233aabbccdd' as UsageTag, protocol: 'wireguard', origin, totalBytes, ...given };
}

function setting() {
  const clock = new ManualClock(0);
  const gone: [bytes: number, day: number][] = [];
  const rests = new Rests({ clock, rest: 2 * HOUR, letGo: ({ record, day }) => gone.push([record.totalBytes, day]) });
  return { clock, rests, gone };
}

test('a device that wakes now and then is one record, once it has rested long enough', () => {
  const { clock, rests, gone } = setting();
  for (let hour = 0; hour < 5; hour += 1) {
    rests.add(record(3000), DAY);
    clock.advance(HOUR);
    rests.sweep();
  }
  assert.deepEqual(gone, []);
  clock.advance(HOUR);
  rests.sweep();
  assert.deepEqual(gone, [[15_000, DAY]]);
  rests.sweep();
  rests.close();
  assert.equal(gone.length, 1);
});

test('a session that is over takes along what waits of it, and nothing of another day, network or customer', () => {
  const { rests, gone } = setting();
  rests.add(record(10), DAY);
  rests.add(record(200), (DAY - 1) as EpochDay);
  rests.add(record(3000, { origin: { country: 'CH', isp: 'Other Net' } }), DAY);
  rests.add(record(40_000, { usageTag: 'ffffffffffffffff' as UsageTag }), DAY);
  rests.over(record(1), DAY);
  assert.deepEqual(gone, [[11, DAY]]);
  rests.close();
  assert.deepEqual(gone.slice(1), [
    [200, DAY - 1],
    [3000, DAY],
    [40_000, DAY],
  ]);
});

test('however many rest, as many wait as may, and none is lost', () => {
  const { rests, gone } = setting();
  for (let customer = 0; customer < MOST_RESTING + 10; customer += 1)
    rests.add(record(1, { usageTag: customer.toString(16).padStart(16, '0') as UsageTag }), DAY);
  assert.equal(gone.length, 10);
  rests.close();
  assert.equal(gone.length, MOST_RESTING + 10);
});
