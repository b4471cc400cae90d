// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contextOf } from './bench.cli.ts';
import { benchmark } from './up.bench.ts';

test('the benchmark of up starts a service twice and asks its portal', async () => {
  const rows = await benchmark.run(contextOf('tiny', () => undefined));
  assert.deepEqual(
    rows.map(({ name, unit }) => [name, unit]),
    [['up, portal and API alone', 's']],
  );
  for (const { value } of rows) assert.ok(value > 0.1 && value < 60);
});
