// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JournalEvent } from '../inventory/journal.ts';
import { RecordingJournal, writingJournal } from './journal.ts';

test('an event is one line of JSON', () => {
  const lines: string[] = [];
  writingJournal((line) => lines.push(line)).say({ code: 'authfile_in_force', version: 7 });
  assert.deepEqual(lines, ['{"code":"authfile_in_force","version":7}\n']);
});

test('what is not declared is not written, not even past the compiler', () => {
  const lines: string[] = [];
  const journal = writingJournal((line) => lines.push(line));
  const smuggled = { code: 'authfile_in_force', version: 7, address: '198.51.100.7' } as unknown as JournalEvent;
  assert.throws(() => journal.say(smuggled), /address is not in the inventory/);
  assert.throws(() => new RecordingJournal().say(smuggled), /address is not in the inventory/);
  assert.deepEqual(lines, []);
});

test('the recording double keeps what was said', () => {
  const journal = new RecordingJournal();
  journal.say({ code: 'control_lost' });
  journal.say({ code: 'control_found' });
  assert.deepEqual(journal.codes(), ['control_lost', 'control_found']);
});
