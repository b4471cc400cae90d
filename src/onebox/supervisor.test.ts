// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, systemClock } from '../core/clock/clock.ts';
import { waitUntil } from '../core/clock/until.ts';
import { RecordingJournal } from '../core/journal/journal.ts';
import { spawnChild } from '../host/processes/process.os.ts';
import { supervise } from './supervisor.ts';

test('a program that is killed is started again', async () => {
  const journal = new RecordingJournal();
  const supervised = await supervise({
    name: 'sleeper',
    journal,
    clock: systemClock,
    start: async () => spawnChild(['sleep', '60']),
  });
  const first = supervised.child.pid;
  supervised.child.signal('SIGKILL');
  await waitUntil('it is found again', () => journal.codes().includes('daemon_found'));
  assert.notEqual(supervised.child.pid, first);
  assert.deepEqual(journal.codes(), ['daemon_lost', 'daemon_found']);
  await supervised.stop();
  assert.equal(supervised.child.running, false);
  assert.equal(supervised.name, 'sleeper');
});

test('a restart that fails is said and tried again, and stop ends the waiting', async () => {
  const journal = new RecordingJournal();
  const clock = new ManualClock(0);
  let starts = 0;
  const supervised = await supervise({
    name: 'brittle',
    journal,
    clock,
    start: async () => {
      starts += 1;
      if (starts === 2) throw new Error('no');
      clock.advance(60_000);
      return spawnChild(['true']);
    },
  });
  await waitUntil('it is started a third time', () => starts >= 3);
  await supervised.stop();
  assert.ok(journal.events.some((event) => event.code === 'failed' && event.failure === 'did_not_start'));
});

test('a first start that fails throws', async () => {
  const start = () => Promise.reject(new Error('absent'));
  await assert.rejects(
    supervise({ name: 'absent', journal: new RecordingJournal(), clock: systemClock, start }),
    /absent/,
  );
});
