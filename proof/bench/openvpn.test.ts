// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contextOf } from './bench.cli.ts';
import { benchmark } from './openvpn.bench.ts';

test('the OpenVPN benchmark measures real logins and real transfers', async () => {
  const rows = await benchmark.run(contextOf('tiny', () => undefined));
  assert.deepEqual(
    rows.map(({ name }) => name),
    [
      'openvpn, one login',
      'openvpn-udp, down',
      'openvpn-udp, down, daemon and agent',
      'openvpn-tcp, down',
      'openvpn-tcp, down, daemon and agent',
    ],
  );
  for (const { value, peerValue } of rows) assert.ok(value > 0 && (peerValue ?? 0) > 0);
});
