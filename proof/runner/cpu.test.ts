// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { IdleMeter } from './cpu.ts';

test('processors are idle when the part that was asked for was, over three seconds at least', () => {
  const times = { user: 0, nice: 0, sys: 0, irq: 0, idle: 0 };
  const pass = (busy: number, idle: number) => {
    times.user += busy;
    times.idle += idle;
  };
  const meter = new IdleMeter(0, () => [{ times: { ...times } }]);
  pass(1000, 3000);
  assert.equal(meter.isIdle(2999, 0.5), false, 'too early to say');
  assert.equal(meter.isIdle(4000, 0.5), true);
  pass(0, 100);
  assert.equal(meter.isIdle(4100, 0.5), false, 'asked again at once');
  pass(3100, 900);
  assert.equal(meter.isIdle(8100, 0.5), false);
  pass(2000, 2000);
  assert.equal(meter.isIdle(12_100, 0.5), true);
  assert.equal(meter.isIdle(16_100, 0.5), false, 'a clock of the processors that stands still says nothing');
});

test("this machine's own processors can be read", async () => {
  const meter = new IdleMeter(0);
  // Linux counts in hundredths of a second: two readings within one are the same.
  await delay(200);
  assert.equal(meter.isIdle(3000, 0), true);
});
