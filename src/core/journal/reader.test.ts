// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JournalEvent } from '../inventory/journal.ts';
import { levelOf } from './level.ts';
import { JournalReader, readEvent } from './reader.ts';

test('events are read from output that was cut anywhere, and everything else is passed over', () => {
  const heard: JournalEvent[] = [];
  const reader = new JournalReader((event) => heard.push(event));
  const output =
    'from 198.51.100.7\n{"ready":"control"}\n{"code":"control_lost"}\n{"code":"authfile_in_force","version":7}\n';
  for (const character of output) reader.take(character);
  reader.take(`{"code":"control_found"}\n${'x'.repeat(10_000)}`);
  reader.take('{"code":"clock_jumped"}\n{"code":"clock_jumped"}\n');
  assert.deepEqual(heard, [
    { code: 'control_lost' },
    { code: 'authfile_in_force', version: 7 },
    { code: 'control_found' },
    { code: 'clock_jumped' },
  ]);
});

test('a line longer than any event is not one, and little of it is kept', () => {
  const heard: JournalEvent[] = [];
  const reader = new JournalReader((event) => heard.push(event));
  const padded = (blanks: number) => `{"code":"clock_jumped"${' '.repeat(blanks)}}\n`;
  reader.take(padded(4000));
  reader.take(padded(5000));
  assert.equal(heard.length, 1);
  const before = process.memoryUsage().heapUsed + process.memoryUsage().external;
  for (let piece = 0; piece < 100; piece += 1) reader.take(Buffer.alloc(1_000_000, 120).toString('latin1'));
  const after = process.memoryUsage().heapUsed + process.memoryUsage().external;
  assert.ok(after - before < 300_000_000, `${after - before} bytes are kept`);
});

test('what is not exactly a declared event is none', () => {
  for (const line of [
    '',
    '{',
    '{}',
    'null',
    '{"code":5}',
    '{"code":"control_lost","address":"198.51.100.7"}',
    '{"code":"daemon_lost"}',
    '{"code":"daemon_lost","daemon":"198.51.100.7"}',
    '{"code":"toString"}',
    ' {"code":"control_lost"}',
  ])
    assert.equal(readEvent(line), undefined, line);
  assert.deepEqual(readEvent('{"code":"control_lost"}'), { code: 'control_lost' });
  assert.equal(levelOf({ code: 'control_lost' }), 'warning');
});
