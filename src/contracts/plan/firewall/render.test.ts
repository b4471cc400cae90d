// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOSED4, CLOSED6 } from '../closed.ts';
import { type GatewayPlan, planGateway } from '../plan.ts';
import { FIREWALL_FILE, render, SYSCTL_FILE } from './render.ts';

const choice = { gateway: 'zrh-01', location: 'ch-zrh', name: 'gw.example', address4: '198.51.100.1', uplink: 'eth0' };

const DUAL = planGateway({ ...choice, address6: '2001:db8::1' });
const SINGLE = planGateway({ ...choice, address6: undefined });

function file(name: string, plan: GatewayPlan): string {
  return render(plan).find((one) => one.name === name)?.content ?? '';
}

/** The lines of a chain, the hook first. */
function chain(name: string, plan = DUAL): string[] {
  const [, text = ''] = file(FIREWALL_FILE, plan).split(`  chain ${name} {\n`);
  return text
    .slice(0, text.indexOf('  }\n'))
    .trimEnd()
    .split('\n')
    .map((line) => line.trim());
}

const POOLS4 = '{ 10.64.0.0/18, 10.64.64.0/18, 10.64.128.0/18, 100.64.0.0/10 }';
const POOLS6 = '{ fd6c:6574:6865:1::/64, fd6c:6574:6865:2::/64, fd6c:6574:6865:3::/64, fd6c:6574:6865:4::/64 }';

test('what is not let in, through or out is dropped', () => {
  assert.equal(chain('input')[0], 'type filter hook input priority filter; policy drop;');
  assert.equal(chain('forward')[0], 'type filter hook forward priority filter; policy drop;');
  assert.equal(chain('output')[0], 'type filter hook output priority filter; policy drop;');
  assert.deepEqual(chain('outside').slice(-2), [
    'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-advert } ip6 hoplimit 255 accept',
    'drop',
  ]);
  assert.equal(chain('inside').at(-1), 'reject with icmpx admin-prohibited');
});

test('what comes out of a tunnel has an address of its pool, and nobody else has one', () => {
  const rules = chain('arriving');
  for (const device of ['ovpn-udp', 'ovpn-tcp', 'wg0']) {
    const own = rules.filter((rule) => rule.startsWith(`iifname "${device}"`));
    assert.match(own[0] ?? '', /^iifname "[\w-]+" ip saddr != [\d./]+ drop$/);
    assert.match(own[1] ?? '', /^iifname "[\w-]+" ip6 saddr != [\da-f:/]+ drop$/);
  }
  assert.ok(rules.includes(`iifname "eth0" meta ipsec missing ip saddr ${POOLS4} drop`));
  assert.ok(rules.includes(`iifname "eth0" meta ipsec missing ip6 saddr ${POOLS6} drop`));
});

test('addresses of customers stay out of connection tracking, coming and going', () => {
  const [arriving, leaving] = [chain('arriving'), chain('leaving')];
  const outer = 'iifname "eth0" fib daddr . iif type local';
  for (const rule of [
    `${outer} meta ipsec missing udp dport { 1194, 500, 4500, 51820 } notrack`,
    `${outer} meta ipsec missing tcp dport { 443 } notrack`,
    `${outer} meta l4proto esp notrack`,
  ])
    assert.ok(arriving.includes(rule), rule);
  for (const rule of [
    'oifname "eth0" udp sport { 1194, 500, 4500, 51820 } notrack',
    'oifname "eth0" tcp sport { 443 } notrack',
    'oifname "eth0" meta l4proto esp notrack',
    'oifname != "lo" ip saddr 10.65.0.1 notrack',
    'oifname != "lo" ip6 saddr fd6c:6574:6865:ff::1 notrack',
  ])
    assert.ok(leaving.includes(rule), rule);
});

test('a packet for a customer whose tunnel has gone does not travel on in the open', () => {
  const strays = [
    `oifname "eth0" rt ipsec missing ip daddr ${POOLS4} drop`,
    `oifname "eth0" rt ipsec missing ip6 daddr ${POOLS6} drop`,
  ];
  assert.deepEqual(chain('forward').slice(1, 4), [...strays, 'ct state invalid drop']);
  assert.deepEqual(chain('output').slice(1, 3), strays);
});

test('customers reach the Internet and nothing else, with so many flows each', () => {
  assert.deepEqual(chain('outbound'), [
    `ip daddr { ${CLOSED4.join(', ')} } reject with icmp admin-prohibited`,
    `ip6 daddr { ${CLOSED6.join(', ')} } reject with icmpv6 admin-prohibited`,
    'meta l4proto { dccp, sctp } reject with icmpx admin-prohibited',
    'ct state new add @flows4 { ip saddr ct count over 4096 } drop',
    'ct state new add @flows6 { ip6 saddr ct count over 4096 } drop',
    'oifname "eth0" accept',
    'reject with icmpx admin-prohibited',
  ]);
});

test('where customers get no IPv6, what they send is rejected and not lost', () => {
  const rejection = 'meta nfproto ipv6 reject with icmpv6 no-route';
  assert.deepEqual(
    [DUAL, SINGLE].map((plan) => chain('outbound', plan).includes(rejection)),
    [false, true],
  );
});

test('behind the NAT a source port says nothing', () => {
  assert.ok(chain('translate').some((rule) => rule.endsWith('masquerade to :20000-49999 fully-random')));
});

test('the kernel believes no stranger about routes and sources, writes no log, and forgets flows', () => {
  const settings = new Map(
    file(SYSCTL_FILE, DUAL)
      .trimEnd()
      .split('\n')
      .map((line) => line.split(' = ') as [string, string]),
  );
  const conf4 = ['accept_redirects', 'send_redirects', 'accept_source_route', 'log_martians'];
  for (const [key, value] of [
    ['net.ipv4.conf.all.rp_filter', '1'],
    ['net.ipv4.conf.default.rp_filter', '1'],
    ...conf4.map((name) => [`net.ipv4.conf.all.${name}`, '0'] as const),
    ['net.ipv6.conf.all.accept_redirects', '0'],
    ['net.ipv6.conf.all.accept_source_route', '0'],
    ['net.ipv4.tcp_no_metrics_save', '1'],
    ['net.ipv4.tcp_max_tw_buckets', '0'],
    ['net.netfilter.nf_conntrack_acct', '0'],
    ['net.netfilter.nf_conntrack_timestamp', '0'],
    ['net.netfilter.nf_conntrack_events', '0'],
    ['net.netfilter.nf_conntrack_log_invalid', '0'],
  ] as const)
    assert.equal(settings.get(key), value, key);
  const longest = (key: string) => (key.endsWith('tcp_timeout_established') ? 7440 : 60);
  const memory = [...settings].filter(([key]) => key.includes('_timeout'));
  assert.ok(memory.length >= 17, `${memory.length} timeouts`);
  for (const [key, seconds] of memory) assert.ok(Number(seconds) <= longest(key), key);
});
