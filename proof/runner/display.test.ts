// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../src/core/clock/clock.ts';
import { Display, duration, type State, statusLine, stillRunning } from './display.ts';

const STATE: State = {
  done: 12,
  total: 177,
  failed: 0,
  running: [
    { file: 'proof/demo/kill.test.ts', seconds: 92.4 },
    { file: 'src/control/api/api.test.ts', seconds: 3 },
  ],
  left: 1140,
};

function opened(interactive: boolean, columns = 80): { written: string[]; clock: ManualClock; display: Display } {
  const written: string[] = [];
  const clock = new ManualClock(0);
  const terminal = { write: (text: string) => void written.push(text), interactive };
  return { written, clock, display: new Display(terminal, clock, () => columns) };
}

test('the moving line says what runs and what is left, and is cut to the width of the terminal', () => {
  assert.equal(
    statusLine(STATE, 200),
    '12 of 177 files, 19 min left: proof/demo/kill.test.ts 92 s, src/control/api/api.test.ts 3 s',
  );
  assert.equal(statusLine(STATE, 40), '12 of 177 files, 19 min left: proof/dem');
  assert.equal(statusLine(STATE, 0), '');
  assert.match(statusLine({ ...STATE, failed: 2, left: undefined }, 80), /^12 of 177 files, 2 failed: proof/);
  assert.match(statusLine({ ...STATE, left: 0 }, 80), /^12 of 177 files, later than last time: proof/);
});

test('the plain line says how long each file has been running', () => {
  assert.equal(
    stillRunning(STATE),
    'running for 92 s: proof/demo/kill.test.ts, running for 3 s: src/control/api/api.test.ts (12 of 177 files, 19 min left)',
  );
});

test('on a terminal the line is cleared before what stays is printed', () => {
  const { written, display } = opened(true);
  display.show(STATE);
  display.print('ok\n');
  assert.deepEqual(written, [`\r\x1b[K${statusLine(STATE, 80)}`, '\r\x1b[Kok\n']);
});

test('elsewhere only silence is broken, once a minute, and no byte moves the cursor', () => {
  const { written, clock, display } = opened(false);
  display.print('first\n');
  clock.advance(59_000);
  display.show(STATE);
  assert.deepEqual(written, ['first\n']);
  clock.advance(1000);
  display.show(STATE);
  display.show(STATE);
  assert.deepEqual(written, ['first\n', `${stillRunning(STATE)}\n`]);
  clock.advance(30_000);
  display.print('second\n');
  clock.advance(30_000);
  display.show(STATE);
  assert.equal(written.length, 3);
  clock.advance(30_000);
  display.show(STATE);
  assert.equal(written.length, 4);
});

test('an estimate is no finer than it can be believed', () => {
  assert.deepEqual([0, 1.2, 89, 90, 1140].map(duration), ['0 s', '2 s', '89 s', '2 min', '19 min']);
});
