// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOSED4, CLOSED6 } from '../closed.ts';
import { planGateway } from '../plan.ts';
import { render } from './render.ts';

const choice = {
  gateway: 'zrh-01',
  location: 'ch-zrh',
  name: 'gw.example',
  address4: '198.51.100.1',
  address6: undefined,
  uplink: 'eth0',
};

/** `key: value` lines, whose keys may come again. */
function settings(forwarders: 'root' | readonly string[] = 'root'): string[] {
  const [file] = render(planGateway({ ...choice, forwarders }));
  return (file?.content ?? '').split('\n').map((line) => line.trim());
}

function valuesOf(key: string, found = settings()): string[] {
  return found.filter((line) => line.startsWith(`${key}: `)).map((line) => line.slice(key.length + 2));
}

/** What each is for is in unbound.conf(5). Without one of them names are forged, told to others, or kept too long. */
const DEMANDED = [
  'hide-identity: yes',
  'hide-version: yes',
  'hide-trustanchor: yes',
  'qname-minimisation: yes',
  'minimal-responses: yes',
  'aggressive-nsec: yes',
  'harden-glue: yes',
  'harden-dnssec-stripped: yes',
  'harden-below-nxdomain: yes',
  'harden-large-queries: yes',
  'harden-short-bufsize: yes',
  'harden-algo-downgrade: yes',
  'deny-any: yes',
  'unwanted-reply-threshold: 10000000',
  'ignore-cd-flag: yes',
  'module-config: "validator iterator"',
  'trust-anchor-signaling: no',
  'root-key-sentinel: no',
  'val-clean-additional: yes',
  'val-permissive-mode: no',
  'cache-max-ttl: 3600',
  'cache-max-negative-ttl: 300',
  'use-syslog: no',
  'log-queries: no',
  'log-replies: no',
  'log-servfail: no',
  'control-interface: /run/lethe/resolver/unbound.ctl',
];

test('the resolver is hardened, silent and forgetful', () => {
  const found = settings();
  for (const line of DEMANDED) assert.ok(found.includes(line), line);
});

test('it answers customers on its own addresses, and refuses all others', () => {
  assert.deepEqual(valuesOf('interface'), ['10.65.0.1', 'fd6c:6574:6865:ff::1']);
  assert.deepEqual(valuesOf('access-control'), [
    '0.0.0.0/0 refuse',
    '::/0 refuse',
    '10.64.0.0/18 allow',
    'fd6c:6574:6865:1::/64 allow',
    '10.64.64.0/18 allow',
    'fd6c:6574:6865:2::/64 allow',
    '10.64.128.0/18 allow',
    'fd6c:6574:6865:3::/64 allow',
    '100.64.0.0/10 allow',
    'fd6c:6574:6865:4::/64 allow',
  ]);
});

test('no public name leads into a network that is not the Internet', () => {
  assert.deepEqual(valuesOf('private-address'), [...CLOSED4, ...CLOSED6]);
});

test('two keys of the root are trusted, and nothing is taken unsigned but names for rehearsals', () => {
  assert.deepEqual(
    valuesOf('trust-anchor').map((anchor) => anchor.split(' ').slice(0, 4)),
    [
      ['".', 'DS', '20326', '8'],
      ['".', 'DS', '38696', '8'],
    ],
  );
  assert.deepEqual(valuesOf('domain-insecure'), []);
  assert.deepEqual(valuesOf('do-not-query-localhost'), ['yes']);
  const forwarding = settings(['192.0.2.53']);
  assert.deepEqual(valuesOf('domain-insecure', forwarding), ['"test."']);
  assert.deepEqual(valuesOf('forward-addr', forwarding), ['192.0.2.53']);
});
