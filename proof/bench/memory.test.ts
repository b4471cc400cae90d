// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contextOf } from './bench.cli.ts';
import { benchmark } from './memory.bench.ts';

test('the memory benchmark measures a real agent with real sessions', async () => {
  const said: string[] = [];
  const rows = await benchmark.run(contextOf('tiny', (text) => said.push(text)));
  assert.deepEqual(
    rows.map(({ name }) => name),
    [
      'agent, no auth file',
      'agent, 2000 credentials',
      'agent, 2000 credentials, 2 sessions',
      'agent, the most it ever held',
      'agent, one credential',
      'agent, one session',
    ],
  );
  const [bare, loaded, busy, most] = rows;
  for (const row of [bare, loaded, busy, most]) assert.ok(row !== undefined && row.value > 20 && row.value < 1000);
  assert.ok((most?.value ?? 0) >= (busy?.value ?? 0));
  assert.ok((loaded?.peerValue ?? 0) > 1);
  assert.ok((rows[5]?.value ?? 0) > 100);
  assert.ok(said.includes('round 1 of 1'));
});
