// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseActivatorConfig } from './config.ts';

const config = {
  listen: { address: '192.0.2.1', port: 8445 },
  name: 'activator.example',
  directory: '/var/lib/lethe/activator',
  policy: '/etc/lethe/policy.json',
};
const issuer = { certificate: '/etc/lethe/ca.crt', key: '/etc/lethe/ca.key' };

function problemOf(change: object): string | undefined {
  const parsed = parseActivatorConfig(JSON.stringify({ ...config, ...change }));
  return 'problem' in parsed ? parsed.problem : undefined;
}

test('an activator signs with an issuer that it is given, or below a name', () => {
  assert.equal(problemOf({ issuer }), undefined);
  assert.equal(problemOf({ gatewayDomain: 'gateways.example' }), undefined);
  assert.match(problemOf({}) ?? '', /^gatewayDomain: /);
});

test('relative paths, root, and what is not known are refused', () => {
  for (const change of [
    { directory: 'here' },
    { policy: 'policy.json' },
    { user: { uid: 0, gid: 0 } },
    { debug: true },
  ])
    assert.notEqual(problemOf({ issuer, ...change }), undefined, JSON.stringify(change));
});
