// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until, WaitedInVain } from './until.ts';

test('waiting ends when the condition holds, or when it is too late', async () => {
  let asked = 0;
  await until('the third look', async () => {
    asked += 1;
    return asked === 3;
  });
  await assert.rejects(
    until('what never comes', () => false, 30),
    (error: Error) => {
      assert.ok(error instanceof WaitedInVain);
      assert.equal(error.message, 'waited in vain: what never comes');
      return true;
    },
  );
});
