// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { beforeEach, mock, test } from 'node:test';
import { ManualClock } from '../../core/clock/clock.ts';
import { AFTERWARDS, Collections, LONGEST_WAIT, REST } from './collections.ts';

let clock: ManualClock;
/** Elapsed times at which garbage was collected, and how long it takes. */
let collected: number[];
let takes: number;
let collections: Collections;

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ['setTimeout'] });
  [clock, collected, takes] = [new ManualClock(0), [], 20];
  collections = new Collections(clock, () => {
    collected.push(clock.elapsed());
    clock.advance(takes);
  });
});

function pass(milliseconds: number): void {
  for (const end = clock.elapsed() + milliseconds; clock.elapsed() < end; ) {
    clock.advance(10);
    mock.timers.tick(10);
  }
}

test('garbage is collected when requests pause, once more when connections have let go of it, and then no more', () => {
  pass(60_000);
  assert.deepEqual(collected, []);
  collections.asked();
  pass(REST / 2);
  collections.asked();
  pass(3_600_000);
  const [first = 0, second = 0, ...more] = collected;
  assert.ok(first >= 60_000 + 1.5 * REST && first < 60_000 + 2 * REST, `${first}`);
  assert.ok(second - first >= AFTERWARDS && second - first < AFTERWARDS + 100, `${second}`);
  assert.deepEqual(more, []);
});

test('under load it is collected in between, and takes a fiftieth of the time at most', () => {
  const load = (milliseconds: number) => {
    collected = [];
    for (const end = clock.elapsed() + milliseconds; clock.elapsed() < end; ) {
      collections.asked();
      pass(100);
    }
    return collected.length;
  };
  const often = load(600_000);
  assert.ok(often >= 600_000 / (LONGEST_WAIT + 1000) && often <= 600_000 / LONGEST_WAIT, `${often}`);
  takes = 2000;
  const seldom = load(3_600_000);
  assert.ok(seldom >= 30 && seldom * takes * 50 <= 3_600_000 + 2 * takes * 50, `${seldom}`);
});

test('what is stopped collects nothing any more', () => {
  collections.asked();
  collections.stop();
  pass(60_000);
  assert.deepEqual(collected, []);
});
