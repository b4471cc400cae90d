// SPDX-License-Identifier: AGPL-3.0-or-later
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { waitUntil } from '../../src/core/clock/until.ts';
import { openNamespace } from '../../src/host/namespaces/namespace.os.ts';

// enclosed.test.ts runs this file as a test that does not end, and ends its runner.
const marker = process.env['LETHE_LINGERING'] as string;
const sleeper = ['tail', '-f', '/dev/null', marker];

test('starts a daemon here, one in a namespace, and one that has cut all ties', async () => {
  const namespace = await openNamespace();
  await namespace.spawn(sleeper);
  spawn(sleeper[0] as string, sleeper.slice(1), { stdio: 'ignore' });
  // Forks twice, with a session of its own: a search for children of children does not find it.
  spawn('sh', ['-c', 'setsid "$@" </dev/null >/dev/null 2>&1 &', 'sh', ...sleeper], { stdio: 'ignore' });
  writeFileSync(join(mkdtempSync(join(tmpdir(), 'lingering-')), 'file'), '');
  writeFileSync(`/dev/shm/${marker}`, '');
  await waitUntil('the end has come', () => false, 600_000);
});
