// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UsageBatch } from '../../contracts/fleet/messages.ts';
import { megabytes, type UsageEvent, usageEvent } from '../../contracts/usage/event.ts';
import { type EpochDay, parseIsoDate } from '../../core/clock/clock.ts';
import { assertDeclared } from '../../core/inventory/guard.ts';
import { RecordingJournal } from '../../core/journal/journal.ts';
import type { UsageTag } from '../../core/licences/licence.ts';
import { seededRandom } from '../../core/random/random.ts';
import { type Delivery, Outbox } from './outbox.ts';

const DAY = parseIsoDate('2026-11-21') as EpochDay;

function event(number: number): UsageEvent {
  return usageEvent(
    {
      usageTag: number.toString(16).padStart(16, '0') as UsageTag,
      origin: { country: 'CH', isp: 'Example Net' },
      protocol: 'wireguard',
      totalBytes: 1,
    },
    'ch-zrh',
    DAY,
  );
}

function setting(bound?: number) {
  const journal = new RecordingJournal();
  const sent: UsageBatch[] = [];
  const control: { answer: Delivery } = { answer: 'taken' };
  const outbox = new Outbox({
    random: seededRandom('outbox'),
    journal,
    send: async (batch) => {
      sent.push(batch);
      return control.answer;
    },
    ...(bound === undefined ? {} : { bound }),
  });
  const add = (count: number, from = 0) => {
    for (let number = from; number < from + count; number += 1) outbox.add(event(number));
  };
  return { journal, sent, control, outbox, add };
}

const numbers = (batches: readonly UsageBatch[]) =>
  batches.flatMap((batch) => batch.events.map(({ user }) => Number.parseInt(user, 16)));

test('an event is its six fields, and what it is made from can hold no more', () => {
  const made = usageEvent(
    {
      usageTag: '00112233aabbccdd' as UsageTag,
      origin: { country: 'Switzerland', isp: '192.0.2.1' },
      protocol: 'openvpn-tcp',
      totalBytes: 1_000_001,
    },
    'ch-zrh',
    DAY,
  );
  assert.deepEqual(made, {
    date: '2026-11-21',
    user: '00112233aabbccdd',
    country: 'unknown',
    isp: 'unknown',
    megabytes: 2,
    location: 'ch-zrh',
    protocol: 'openvpn-tcp',
  });
  assertDeclared('exit.usage', { ...made });
});

test('megabytes are rounded up', () => {
  assert.deepEqual([0, 1, 999_999, 1_000_000, 1_000_001].map(megabytes), [0, 1, 1, 1, 2]);
});

test('at each tick about half of what waits leaves, and all of it in the end, once', async () => {
  const { outbox, sent, add } = setting();
  add(1000);
  await outbox.tick();
  const first = numbers(sent).length;
  assert.ok(first > 400 && first < 600, `${first} left at the first tick`);
  for (let tick = 0; tick < 40; tick += 1) await outbox.tick();
  assert.equal(outbox.size, 0);
  assert.deepEqual(
    numbers(sent).toSorted((a, b) => a - b),
    Array.from({ length: 1000 }, (_, number) => number),
  );
});

test('the order within a batch tells nothing', async () => {
  const { outbox, sent, add } = setting();
  add(500);
  await outbox.flush();
  const order = numbers(sent);
  const inPlace = order.filter((number, index) => number === index).length;
  assert.ok(inPlace < 20, `${inPlace} of 500 stand where they were`);
});

test('a batch that was not taken is sent again as it was, before any newer one', async () => {
  const { outbox, sent, control, add } = setting();
  control.answer = 'away';
  add(10);
  await outbox.flush();
  add(10, 10);
  await outbox.flush();
  assert.equal(sent.length, 2, 'while control is away, one batch is tried');
  assert.equal(outbox.size, 20);
  control.answer = 'taken';
  await outbox.flush();
  assert.equal(sent.length, 4);
  assert.deepEqual([sent[1], sent[2]], [sent[0], sent[0]]);
  assert.notEqual(sent[3]?.batch, sent[0]?.batch);
  assert.equal(outbox.size, 0);
});

test('batches are small enough for control', async () => {
  const { outbox, sent, add } = setting();
  add(2500);
  await outbox.flush();
  assert.deepEqual(
    sent.map((batch) => batch.events.length),
    [1000, 1000, 500],
  );
  for (const { batch } of sent) assert.match(batch, /^[0-9a-f]{32}$/);
});

test('beyond its bound it gives up the oldest batch first, and says how much', async () => {
  const { outbox, sent, control, journal, add } = setting(10);
  control.answer = 'away';
  add(4);
  await outbox.flush();
  add(4, 4);
  await outbox.flush();
  add(4, 8);
  assert.deepEqual(journal.events, [{ code: 'outbox_filling' }, { code: 'outbox_overflowed', dropped: 4 }]);
  control.answer = 'taken';
  sent.length = 0;
  await outbox.flush();
  assert.deepEqual(
    numbers(sent).toSorted((a, b) => a - b),
    [4, 5, 6, 7, 8, 9, 10, 11],
  );
  assert.deepEqual(journal.events.at(-1), { code: 'outbox_emptied' });
});

test('beyond its bound without any batch it gives up the oldest event', async () => {
  const { outbox, sent, journal, add } = setting(3);
  add(4);
  assert.deepEqual(journal.events, [{ code: 'outbox_filling' }, { code: 'outbox_overflowed', dropped: 1 }]);
  await outbox.flush();
  assert.deepEqual(new Set(numbers(sent)), new Set([1, 2, 3]));
});

test('it says that it fills at an eighth of its bound, once, and not how much waits', async () => {
  const { outbox, journal, add } = setting(80);
  add(9);
  assert.deepEqual(journal.events, []);
  add(20);
  await outbox.flush();
  add(9);
  assert.deepEqual(journal.events, [{ code: 'outbox_filling' }, { code: 'outbox_emptied' }]);
});

test('an event that carries anything undeclared is dropped, and that is said', async () => {
  const { outbox, sent, journal } = setting();
  outbox.add({ ...event(1), source_ip: '192.0.2.1' } as UsageEvent);
  outbox.add({ ...event(2), location: '192.0.2.1' });
  assert.deepEqual(journal.events, [
    { code: 'exit_refused', store: 'exit.usage' },
    { code: 'exit_refused', store: 'exit.usage' },
  ]);
  await outbox.flush();
  assert.deepEqual(sent, []);
});

test('an empty outbox sends nothing', async () => {
  const { outbox, sent } = setting();
  await outbox.tick();
  await outbox.flush();
  assert.deepEqual(sent, []);
});

test('one delivery at a time', async () => {
  let under = 0;
  let most = 0;
  const outbox = new Outbox({
    random: seededRandom('one'),
    journal: new RecordingJournal(),
    send: async () => {
      under += 1;
      most = Math.max(most, under);
      await Promise.resolve();
      under -= 1;
      return 'taken';
    },
  });
  outbox.add(event(1));
  const first = outbox.flush();
  outbox.add(event(2));
  await Promise.all([first, outbox.flush(), outbox.flush()]);
  assert.equal(most, 1);
  assert.equal(outbox.size, 0);
});
