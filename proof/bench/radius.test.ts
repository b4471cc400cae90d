// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { seededRandom } from '../../src/core/random/random.ts';
import { sampleCustomers } from '../labs/customers/sample.ts';
import { contextOf } from './bench.cli.ts';
import { benchmark } from './radius.bench.ts';
import { freeRadius, ourServer } from './radius-peers.os.ts';

test('all three servers answer every request rightly', async () => {
  const rows = await benchmark.run(contextOf('tiny', () => undefined));
  assert.deepEqual(
    rows.map(({ unit, peer }) => [unit, peer]),
    [
      ['logins/CPU s', 'FreeRADIUS, users file'],
      ['logins/CPU s', 'FreeRADIUS, users file, one thread'],
    ],
  );
  for (const { value, peerValue } of rows) assert.ok(value > 0 && peerValue !== null && peerValue > 0);
});

test('a server that does not come up is said', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-bench-'));
  try {
    const customers = sampleCustomers(seededRandom('radius'), 1);
    await assert.rejects(ourServer(join(directory, 'absent'), join(directory, 'absent'), 'x', 0), /ENOENT/);
    await assert.rejects(freeRadius(directory, customers, '"', 1, 'single'), /the server ended/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
