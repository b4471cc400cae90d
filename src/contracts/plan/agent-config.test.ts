// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GatewayConfigFile, INTERVALS, parseGatewayConfig } from './agent-config.ts';
import { planGateway } from './plan.ts';

const KEY = `${'A'.repeat(43)}=`;

const FILE: GatewayConfigFile = {
  plan: planGateway({
    gateway: 'zrh-01',
    location: 'ch-zrh',
    name: 'zrh-01.example',
    address4: '192.0.2.1',
    address6: undefined,
    uplink: 'eth0',
  }),
  controlUrl: 'https://control.example:8443',
  caFile: '/etc/lethe/ca.crt',
  tokenFile: '/etc/lethe/token',
  authfileKey: KEY,
  expectedKey: KEY,
  geoip: {},
  release: '0.1.0',
};

function problemWith(change: (file: Record<string, unknown> & { plan: Record<string, unknown> }) => void): string {
  const file = JSON.parse(JSON.stringify(FILE)) as Parameters<typeof change>[0];
  change(file);
  const result = parseGatewayConfig(JSON.stringify(file, undefined, 1));
  assert.ok('problem' in result);
  return result.problem;
}

test('a plan survives the file, and intervals have defaults, each on its own', () => {
  const plain = parseGatewayConfig(JSON.stringify(FILE));
  assert.ok('plan' in plain);
  assert.deepEqual(plain.plan, FILE.plan);
  assert.deepEqual(plain.intervals, INTERVALS);
  const quick = parseGatewayConfig(JSON.stringify({ ...FILE, intervals: { beats: 100 } }));
  assert.ok('plan' in quick);
  assert.deepEqual(quick.intervals, { ...INTERVALS, beats: 100 });
});

test('unknown keys are refused with their line, at any depth', () => {
  assert.match(
    problemWith((file) => Object.assign(file, { logLevel: 9 })),
    /^line \d+: logLevel: unknown key$/,
  );
  assert.match(
    problemWith((file) => Object.assign(file.plan, { log: true })),
    /^line \d+: plan\.log: unknown key$/,
  );
});

test('what could do harm is refused', () => {
  assert.match(
    problemWith((file) => Object.assign(file, { controlUrl: 'http://control' })),
    /controlUrl/,
  );
  assert.match(
    problemWith((file) => Object.assign(file, { caFile: 'ca.crt' })),
    /caFile: must be an absolute path/,
  );
  assert.match(
    problemWith((file) => Object.assign(file, { user: { uid: 0, gid: 1 } })),
    /user\.uid/,
  );
  assert.match(
    problemWith((file) => Object.assign(file, { authfileKey: 'short' })),
    /must be 32 bytes in base64/,
  );
  assert.match(
    problemWith((file) => Object.assign(file, { intervals: { beats: 0 } })),
    /intervals\.beats/,
  );
  assert.match(
    problemWith((file) => Object.assign(file.plan, { uplink: 'eth0; reboot' })),
    /plan\.uplink/,
  );
  assert.match(
    problemWith((file) => Object.assign(file.plan, { uplink: 'a-name-of-16-by.' })),
    /plan\.uplink/,
  );
  assert.match(
    problemWith((file) => Object.assign(file, { intervals: { beats: 86_400_001 } })),
    /intervals\.beats/,
  );
  assert.match(
    problemWith((file) => Object.assign(file.plan, { forwarders: [] })),
    /plan\.forwarders/,
  );
});
