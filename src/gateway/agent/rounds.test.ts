// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../../core/clock/until.ts';
import { RecordingJournal } from '../../core/journal/journal.ts';
import { systemRandom } from '../../core/random/random.ts';
import { Rounds } from './rounds.ts';

async function withRounds(use: (rounds: Rounds, journal: RecordingJournal) => Promise<void>): Promise<void> {
  const journal = new RecordingJournal();
  const rounds = new Rounds(systemRandom, journal);
  try {
    await use(rounds, journal);
  } finally {
    rounds.stop();
  }
}

test('runs again and again, never twice at once, until it is stopped', async () => {
  await withRounds(async (rounds) => {
    let runs = 0;
    let under = 0;
    let most = 0;
    const run = async () => {
      under += 1;
      most = Math.max(most, under);
      await delay(3);
      under -= 1;
      runs += 1;
    };
    rounds.start({ name: 'work', interval: 2, jitter: 0.5, run });
    await waitUntil('it has run five times', () => runs >= 5);
    rounds.stop();
    await waitUntil('the last run has ended', () => under === 0);
    const before = runs;
    await delay(30);
    assert.equal(runs, before);
    assert.equal(most, 1);
  });
});

test('a run that fails is said, and the next one comes', async () => {
  await withRounds(async (rounds, journal) => {
    const run = () => {
      throw new Error('192.0.2.1');
    };
    rounds.start({ name: 'work', interval: 1, first: 0, run });
    await waitUntil('three events are said', () => journal.events.length >= 3);
    assert.deepEqual(journal.events[0], { code: 'failed', program: 'gateway', failure: 'work' });
  });
});

test('a round that is stopped before its first run never runs', async () => {
  await withRounds(async (rounds) => {
    let runs = 0;
    rounds.start({ name: 'work', interval: 10, run: () => void (runs += 1) });
    rounds.stop();
    await delay(30);
    assert.equal(runs, 0);
  });
});
