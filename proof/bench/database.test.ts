// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contextOf } from './bench.cli.ts';
import { benchmark } from './database.bench.ts';

test('every way stores every event, and every sign-in is found', async () => {
  const rows = await benchmark.run(contextOf('tiny', () => undefined));
  assert.deepEqual(
    rows.map(({ unit, peer, limit }) => [unit, peer, limit]),
    [
      ['events/CPU s', 'INSERT, checks as they were', 'psql \\copy of the same rows'],
      ['events/CPU s', 'INSERT, checks as they are', null],
      ['queries/CPU s', 'the same without a name for the statement', null],
    ],
  );
  for (const { value, peerValue } of rows) assert.ok(value > 0 && (peerValue ?? 0) > 0);
});
