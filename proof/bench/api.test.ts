// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchmark } from './api.bench.ts';
import { contextOf } from './bench.cli.ts';

test('both servers answer every call, and ours refuses a stranger', async () => {
  const rows = await benchmark.run(contextOf('tiny', () => undefined));
  assert.deepEqual(
    rows.map(({ unit, limit }) => [unit, limit]),
    [['calls/CPU s', 'node:http, an empty handler']],
  );
  for (const { value } of rows) assert.ok(value > 0);
});
