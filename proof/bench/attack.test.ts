// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { benchmark } from './attack.bench.ts';
import { contextOf } from './bench.cli.ts';

test('a customer is answered while a stranger attacks in every way', async () => {
  const rows = await benchmark.run(contextOf('tiny', () => undefined));
  assert.equal(rows.length, 5);
  // On a busy machine, where all sides share the processors; a service that waits for its attackers takes seconds.
  for (const { name, value } of rows) assert.ok(value < 1000, `${name}: ${value} ms`);
});
