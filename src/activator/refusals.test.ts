// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecordingJournal } from '../core/journal/journal.ts';
import { Refusals } from './refusals.ts';

test('who is refused again and again fills no journal: one line, and one a minute with how often', () => {
  const journal = new RecordingJournal();
  const refusals = new Refusals(journal);
  for (let count = 0; count < 200; count += 1) refusals.say('unknown', 'ek_certificate');
  refusals.say('zrh-01', 'firmware');
  const first = [
    { code: 'machine_refused', gateway: 'unknown', reason: 'ek_certificate' },
    { code: 'machine_refused', gateway: 'zrh-01', reason: 'firmware' },
  ];
  assert.deepEqual(journal.events, first);
  refusals.tell();
  const repeated = { code: 'refusals_repeated', gateway: 'unknown', reason: 'ek_certificate', count: 199 };
  assert.deepEqual(journal.events, [...first, repeated]);
  refusals.tell();
  assert.equal(journal.events.length, 3);
  refusals.say('zrh-01', 'firmware');
  assert.deepEqual(journal.events.at(-1), first[1]);
});
