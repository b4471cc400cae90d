// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TimedOut, waitUntil } from './until.ts';

test('waiting ends when the condition holds, with what it found, or when it is too late', async () => {
  let asked = 0;
  const found = await waitUntil('it is asked a third time', async () => {
    asked += 1;
    return asked === 3 ? { asked } : undefined;
  });
  assert.deepEqual(found, { asked: 3 });
  assert.equal(await waitUntil('an empty text counts', () => ''), '');
  await assert.rejects(
    waitUntil('pigs fly', () => false, 30),
    (error: Error) => {
      assert.ok(error instanceof TimedOut);
      assert.equal(error.message, 'timed out after 0.03 s waiting until pigs fly');
      return true;
    },
  );
  await assert.rejects(
    waitUntil('it breaks', () => Promise.reject(new RangeError('broken'))),
    RangeError,
  );
});
