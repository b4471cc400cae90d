// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Contact, DaemonContact } from './contact.ts';
import { RecordingJournal } from './journal.ts';

test('a loss and a return are each said once', () => {
  const journal = new RecordingJournal();
  const control = new Contact(journal, { lost: { code: 'control_lost' }, found: { code: 'control_found' } });
  control.found();
  assert.deepEqual(journal.codes(), [], 'who was never lost is not found');
  control.lost();
  control.lost();
  control.found();
  control.found();
  control.lost();
  assert.deepEqual(journal.codes(), ['control_lost', 'control_found', 'control_lost']);
});

test('a daemon is named, and its junk is neither a loss nor a return', () => {
  const journal = new RecordingJournal();
  const daemon = new DaemonContact(journal, 'charon');
  daemon.junk();
  daemon.lost();
  daemon.junk();
  daemon.found();
  assert.deepEqual(journal.events, [
    { code: 'daemon_spoke_junk', daemon: 'charon' },
    { code: 'daemon_lost', daemon: 'charon' },
    { code: 'daemon_spoke_junk', daemon: 'charon' },
    { code: 'daemon_found', daemon: 'charon' },
  ]);
});
