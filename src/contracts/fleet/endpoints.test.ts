// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LONGEST_WAIT, waitOf, waitPreference } from './endpoints.ts';

test('nobody makes control wait longer than it means to, whatever the header says', () => {
  assert.equal(waitOf(waitPreference(3).prefer), 3);
  assert.equal(waitOf(waitPreference(LONGEST_WAIT).prefer), LONGEST_WAIT);
  for (const greedy of ['wait=16', 'wait=999999']) assert.equal(waitOf(greedy), LONGEST_WAIT);
  for (const junk of [
    undefined,
    '',
    'wait',
    'wait=',
    'wait=-1',
    'wait=1e9',
    'wait=1.5',
    'wait=1234567',
    'WAIT=3 ',
    'x',
  ]) {
    assert.equal(waitOf(junk), 0);
  }
});
