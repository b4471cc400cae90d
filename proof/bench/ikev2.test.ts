// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contextOf } from './bench.cli.ts';
import { benchmark } from './ikev2.bench.ts';

test('the IKEv2 benchmark measures real transfers', async () => {
  const rows = await benchmark.run(contextOf('tiny', () => undefined));
  assert.deepEqual(
    rows.map(({ name }) => name),
    ['ikev2, down', 'ikev2, down, daemon and agent'],
  );
  for (const { value, peerValue } of rows) assert.ok(value > 0 && (peerValue ?? 0) > 0);
});
