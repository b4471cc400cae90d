// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EpochDay, isoDate, ManualClock, parseIsoDate, systemClock, today } from './clock.ts';

test('a day is written as a date and read back', () => {
  const day = 20_778 as EpochDay;
  assert.equal(isoDate(day), '2026-11-21');
  assert.equal(parseIsoDate('2026-11-21'), day);
});

test('every day of ten thousand years is written as a Date writes it', () => {
  const [first, last] = [Date.parse('0000-01-01T00:00:00Z'), Date.parse('9999-12-31T00:00:00Z')];
  for (let at = first; at <= last; at += 86_400_000) {
    const written = isoDate((at / 86_400_000) as EpochDay);
    if (written !== new Date(at).toISOString().slice(0, 10)) assert.fail(`${written} is wrong`);
  }
});

test('what is not a calendar date is not read', () => {
  for (const text of ['', '2026-11-21T10:00:00Z', '2026-02-30', '2026-13-01', '21.11.2026', '+002026-11-21']) {
    assert.equal(parseIsoDate(text), undefined, text);
  }
});

test('the manual clock moves only when told, and a jump leaves elapsed time alone', () => {
  const clock = new ManualClock(Date.parse('2026-11-21T23:59:59Z'));
  assert.equal(isoDate(today(clock)), '2026-11-21');
  clock.advance(1000);
  assert.equal(isoDate(today(clock)), '2026-11-22');
  clock.jump(-86_400_000);
  assert.equal(isoDate(today(clock)), '2026-11-21');
  assert.equal(clock.elapsed(), 1000);
});

test('the system clock tells the time', () => {
  assert.ok(systemClock.wall() > Date.parse('2026-01-01T00:00:00Z'));
  assert.ok(systemClock.elapsed() <= systemClock.elapsed());
});
