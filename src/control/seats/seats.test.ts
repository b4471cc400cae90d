// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as assertProperty, constantFrom, integer, property, record, uniqueArray } from 'fast-check';
import { ManualClock } from '../../core/clock/clock.ts';
import type { LicenceId } from '../../core/licences/licence.ts';
import type { SessionId } from '../../core/sessions/session.ts';
import { MemorySeats, SEAT_LIFE } from './seats.ts';

const licence = 7 as LicenceId;

function sessions(...names: string[]): { session: SessionId; licence: LicenceId }[] {
  return names.map((name) => ({ session: name as SessionId, licence }));
}

function seatsOf(limit: number) {
  const clock = new ManualClock(0);
  return { clock, seats: new MemorySeats(clock, () => limit) };
}

test('sessions are counted across gateways and leave when their gateway says so', () => {
  const { seats } = seatsOf(5);
  assert.deepEqual(seats.beat('a', sessions('1', '2')), []);
  assert.deepEqual(seats.beat('b', sessions('3')), []);
  assert.equal(seats.used(licence), 3);
  assert.deepEqual(seats.of(licence)[2], { session: '3', licence, gateway: 'b' });
  seats.beat('a', sessions('2'));
  assert.equal(seats.used(licence), 2);
  seats.beat('a', []);
  assert.equal(seats.used(licence), 1);
  assert.equal(seats.used(8 as LicenceId), 0);
});

test('a seat is free again after five minutes of silence', () => {
  const { clock, seats } = seatsOf(2);
  seats.beat('a', sessions('1', '2'));
  clock.advance(SEAT_LIFE - 1);
  assert.equal(seats.used(licence), 2);
  clock.advance(1);
  assert.equal(seats.used(licence), 0);
  assert.deepEqual(seats.beat('b', sessions('3', '4')), []);
  seats.sweep();
  assert.equal(seats.used(licence), 2);
  clock.advance(SEAT_LIFE);
  seats.sweep();
  assert.deepEqual(seats.of(licence), []);
});

test('a jump of the wall clock frees nothing', () => {
  const { clock, seats } = seatsOf(2);
  seats.beat('a', sessions('1'));
  clock.jump(10 * SEAT_LIFE);
  seats.sweep();
  assert.equal(seats.used(licence), 1);
});

test('over the limit the newest go first', () => {
  const { seats } = seatsOf(2);
  assert.deepEqual(seats.beat('a', sessions('1', '2', '3', '4')), ['4', '3']);
  assert.deepEqual(seats.beat('a', sessions('1', '2')), []);
});

test('a gateway ends only its own sessions, the other one ends the newer at its next beat', () => {
  const { seats } = seatsOf(1);
  seats.beat('a', sessions('1'));
  assert.deepEqual(seats.beat('b', sessions('2')), ['2']);
  assert.deepEqual(seats.beat('a', sessions('1')), []);
});

test('when the older session leaves, the newer may stay', () => {
  const { seats } = seatsOf(1);
  seats.beat('a', sessions('1'));
  seats.beat('a', []);
  assert.deepEqual(seats.beat('b', sessions('2')), []);
});

test('a licence that is not valid has no seats', () => {
  const { seats } = seatsOf(0);
  assert.deepEqual(seats.beat('a', sessions('1', '2')), ['2', '1']);
  assert.equal(seats.used(licence), 0);
});

test('a handle that comes back for another licence is another session', () => {
  const { seats } = seatsOf(3);
  seats.beat('a', sessions('1'));
  seats.beat('a', [{ session: '1' as SessionId, licence: 8 as LicenceId }]);
  assert.equal(seats.used(licence), 0);
  assert.equal(seats.used(8 as LicenceId), 1);
});

test('a handle that stands twice in a list counts once', () => {
  const { seats } = seatsOf(3);
  seats.beat('a', sessions('1', '1'));
  assert.equal(seats.used(licence), 1);
});

test('a session that is named under many licences holds one seat, and memory is what is live', () => {
  const { seats } = seatsOf(5);
  const session = 'a' as SessionId;
  const licences = Array.from({ length: 1000 }, (_, index) => (index + 1) as LicenceId);
  const taken = (): number => licences.reduce((sum, one) => sum + seats.of(one).length, 0);
  seats.beat(
    'a',
    licences.map((one) => ({ session, licence: one })),
  );
  assert.equal(taken(), 1);
  seats.beat('a', [{ session, licence: 3 as LicenceId }]);
  assert.deepEqual([taken(), seats.used(3 as LicenceId)], [1, 1]);
  seats.beat('a', []);
  assert.equal(taken(), 0);
});

test('after a restart the seats fill again from the beats, and no licence is ever over its limit', () => {
  const names = uniqueArray(integer({ min: 0, max: 9 }), { maxLength: 6 });
  const steps = array(record({ gateway: constantFrom('a', 'b', 'c'), names }), { maxLength: 12 });
  const never = property(steps, (list) => {
    const { seats } = seatsOf(3);
    const alive = new Map<string, Set<string>>();
    for (const step of list) {
      const named = step.names.map((name) => `${step.gateway}${name}`);
      const ended = seats.beat(step.gateway, sessions(...named));
      alive.set(step.gateway, new Set(named.filter((name) => !ended.includes(name as SessionId))));
    }
    for (const [gateway, names] of alive) {
      const ended = seats.beat(gateway, sessions(...names));
      for (const session of ended) names.delete(session);
    }
    const total = [...alive.values()].reduce((sum, names) => sum + names.size, 0);
    assert.equal(seats.used(licence), total);
    assert.ok(total <= 3);
  });
  assertProperty(never);
});
