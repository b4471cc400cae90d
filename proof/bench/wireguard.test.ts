// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contextOf } from './bench.cli.ts';
import { benchmark } from './wireguard.bench.ts';

test('the WireGuard benchmark measures real transfers', async () => {
  const rows = await benchmark.run(contextOf('tiny', () => undefined));
  assert.deepEqual(
    rows.map(({ name }) => name),
    ['wireguard, down', 'wireguard, down, daemon and agent'],
  );
  for (const { value, peerValue } of rows) assert.ok(value > 0 && (peerValue ?? 0) > 0);
});
