// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openNamespace } from '../../../host/namespaces/namespace.os.ts';
import { listensIn, startCharon } from './start.os.ts';

test('a charon that ends before it listens is said', async () => {
  const namespace = await openNamespace();
  try {
    await namespace.run(['mkdir', '-p', '/run/lethe']);
    await assert.rejects(startCharon(namespace, '/run/lethe'), /charon ended with/);
  } finally {
    await namespace.close();
  }
});

test('a socket counts once it accepts connections', () => {
  const line = (flags: string) => `0: 00000002 00000000 ${flags} 0001 01 4711 /run/lethe/charon/charon.vici`;
  assert.equal(listensIn(line('00010000'), '/run/lethe/charon/charon.vici'), true);
  assert.equal(listensIn(line('00000000'), '/run/lethe/charon/charon.vici'), false);
  assert.equal(listensIn(line('00010000'), '/charon.vici'), false);
  assert.equal(listensIn('', '/run/lethe/charon/charon.vici'), false);
});
