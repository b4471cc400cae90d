// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { render } from '../../../contracts/plan/firewall/render.ts';
import { planGateway, type RenderedFile } from '../../../contracts/plan/plan.ts';
import { FIREWALL_JUDGE } from './nologging.ts';

const { findings } = FIREWALL_JUDGE;

const CHOICE = {
  gateway: 'a-1',
  location: 'a',
  name: 'a',
  address4: '198.51.100.1',
  address6: undefined,
  uplink: 'eth0',
};
const [RULESET, SETTINGS, ADDRESSES] = render(planGateway(CHOICE)) as [RenderedFile, RenderedFile, RenderedFile];

test('what is rendered keeps nothing', () => {
  for (const esp of ['kernel', 'libipsec'] as const)
    for (const address6 of ['2001:db8::1', undefined])
      for (const file of render(planGateway({ ...CHOICE, esp, address6 }))) assert.deepEqual(findings(file), []);
});

const BAD_RULES = [
  'iifname "wg0" log',
  'iifname "wg0" log prefix "lethe" group 5',
  'nflog group 1',
  'meta nftrace set 1',
  'ip saddr 10.64.0.2 counter',
  'counter packets 0 bytes 0 accept',
  'quota over 10 mbytes drop',
  'limit rate 10/second accept',
  'last accept',
  'meter senders { ip saddr limit rate 1/second }',
  'set seen { type ipv4_addr; flags dynamic; }',
  'map exits { type ipv4_addr : mark; }',
  'add @seen { ip saddr }',
  'update @seen { ip saddr timeout 1h }',
  'queue num 0',
  'dup to 198.51.100.9 device "eth1"',
  'fwd to "eth1"',
  'tproxy to 127.0.0.1:3129',
  'redirect to :3128',
  'flow add @fast',
  'flowtable fast { hook ingress priority 0; }',
  'ct helper set "ftp"',
  'include "/etc/more.nft"',
  'define LOUD = 1',
  'tcp dport 1-65535log accept',
  'tcp dport 53log accept',
  'ip saddr 10.64.0.0/18log',
  'ip6 saddr fd6c::1log accept',
  'accept;log',
  'accept comment "a" log prefix "b"',
  'accept comment "a # b" log',
  'iifname "a b" accept',
  'iifname "wg0"log accept',
  'accept # remark \\',
  'dnat ip to 198.51.100.9',
  'snat ip to 198.51.100.9',
  'ct count over 5 accept',
  'ct state new add @flows4 { ip saddr ct count over 5 } drop',
  'add @flows4 { ip daddr ct count over 5 } drop',
  'set flows4 { type ipv4_addr; size 5; flags dynamic, timeout; }',
  'ct mark set 1',
  'meta mark set ip saddr',
  'tcp option maxseg size set 1400',
  'synproxy mss 1460',
  'jump elsewhere',
  'ip saddr vmap { 10.64.0.2 : drop }',
];

test('a quoted text that goes on over a line is found', () => {
  const [from, to] = ['iifname "lo" accept', 'iifname "lo\n    " log prefix "\n    " accept'];
  const content = RULESET.content.replace(from, to);
  assert.notEqual(content, RULESET.content);
  assert.ok((findings({ ...RULESET, content }) ?? []).length > 0);
});

test('each statement that could keep something is found, with its line', () => {
  const head = RULESET.content.split('\n').indexOf('  chain input {') + 1;
  for (const rule of BAD_RULES) {
    const content = RULESET.content.replace('  chain input {\n', `  chain input {\n    ${rule}\n`);
    const found = findings({ ...RULESET, content }) ?? [];
    assert.ok(found.length > 0, rule);
    for (const { file, line } of found) assert.deepEqual([file, line], [RULESET.name, head + 1], rule);
  }
});

test('customers are counted in one chain, by the address that the gateway gave them, and by nothing else', () => {
  const counted = 'ct state new add @flows4 { ip saddr ct count over 4096 } drop';
  assert.ok(RULESET.content.includes(counted));
  for (const other of [
    counted.replace('saddr', 'daddr'),
    counted.replace('ct count over 4096', ''),
    counted.replace('ip saddr', 'ip saddr . ip daddr'),
    counted.replace('flows4', 'flows6'),
    counted.replace('} drop', '} accept'),
  ]) {
    assert.ok((findings({ ...RULESET, content: RULESET.content.replace(counted, other) }) ?? []).length > 0, other);
  }
  const elsewhere = RULESET.content.replace('  chain outbound {', '  chain outside {');
  assert.ok((findings({ ...RULESET, content: elsewhere }) ?? []).length > 0);
});

test('names and comments are no statements', () => {
  const content = RULESET.content.replace('"lo"', '"log" # counter\n');
  assert.deepEqual(findings({ ...RULESET, content }), []);
});

const BAD_SETTINGS = [
  ['nf_conntrack_acct = 0', 'nf_conntrack_acct = 1'],
  ['nf_conntrack_timestamp = 0', 'nf_conntrack_timestamp = 1'],
  ['nf_conntrack_events = 0', 'nf_conntrack_events=2'],
  ['nf_conntrack_log_invalid = 0', 'nf_conntrack_log_invalid = 255'],
  ['conf.all.log_martians = 0', 'conf.all.log_martians = 1'],
  ['conf.default.log_martians = 0', 'conf.default.log_martians = 1'],
  ['tcp_no_metrics_save = 1', 'tcp_no_metrics_save = 0'],
  ['nf_conntrack_udp_timeout = 10', 'nf_conntrack_udp_timeout = 600'],
  ['nf_conntrack_icmp_timeout = 10', 'nf_conntrack_icmp_timeout = soon'],
  ['nf_conntrack_icmp_timeout = 10', 'nf_conntrack_icmp_timeout ='],
  ['nf_conntrack_icmp_timeout = 10', 'nf_conntrack_icmp_timeout'],
  ['nf_conntrack_icmp_timeout = 10', 'nf_conntrack_icmp_timeout = -1'],
  ['nf_conntrack_icmp_timeout = 10', 'nf_conntrack_icmp_timeout = 10 # seconds'],
  ['tcp_timeout_syn_sent = 10', 'tcp_timeout_syn_sent = 120'],
  ['tcp_timeout_unacknowledged = 60', 'tcp_timeout_unacknowledged = 300'],
  ['tcp_timeout_established = 7440', 'tcp_timeout_established = 432000'],
  ['tcp_timeout_established = 7440', 'tcp_timeout_established ='],
  ['net.ipv4.ip_forward = 1', 'net.ipv4.ip_forward = yes'],
  ['net.ipv4.ip_forward = 1', 'net.netfilter.nf_conntrack_dccp_timeout_open = 60'],
  ['net.ipv4.tcp_no_metrics_save = 1\n', ''],
  ['net.netfilter.nf_conntrack_acct = 0', '# net.netfilter.nf_conntrack_acct = 0'],
  ['net.ipv4.ip_forward = 1', 'kernel.core_pattern = |/bin/keep'],
  ['net.ipv4.ip_forward = 1', 'net.ipv4.ip_forward = 1\ngarbage'],
] as const;

test('each setting that could keep something is found', () => {
  for (const [good, bad] of BAD_SETTINGS) {
    const content = SETTINGS.content.replace(good, bad);
    assert.notEqual(content, SETTINGS.content, good);
    assert.equal(findings({ ...SETTINGS, content })?.length, 1, bad);
  }
});

test('each timeout after which the kernel forgets is demanded, for its own default may be longer', () => {
  const lines = SETTINGS.content.split('\n').filter((line) => line.includes('timeout'));
  assert.equal(lines.length, 17);
  for (const line of lines) {
    const found = findings({ ...SETTINGS, content: SETTINGS.content.replace(`${line}\n`, '') }) ?? [];
    assert.deepEqual(
      found.map(({ problem }) => problem),
      [`${line.split(' ')[0]} is not set`],
    );
  }
});

test('a setting under another spelling is one that nobody knows, and the known one is missing', () => {
  const content = SETTINGS.content.replace('net.netfilter.nf_conntrack_acct', 'net/netfilter/nf_conntrack_acct');
  const found = findings({ ...SETTINGS, content }) ?? [];
  assert.deepEqual(
    found.map(({ problem }) => problem),
    ['a setting is not known to keep silent', 'net.netfilter.nf_conntrack_acct is not set'],
  );
});

const BAD_ADDRESSES = [
  ['SERVICE4=10.65.0.1\n', '', 0],
  ['10.65.0.1', '10.65.0.1/32 -json', 1],
  ['10.65.0.1', '', 1],
  ['fd6c', '$(fd6c)', 2],
  ['::1\n', '::1\nLD_PRELOAD=/tmp/keep.so\n', 3],
  ['::1\n', '::1\nLD_PRELOAD=/tmp/keep.so', 3],
  ['::1\n', '::1\ngarbage\n', 3],
] as const;

test('the service addresses are addresses, and their file sets nothing else', () => {
  for (const [good, bad, line] of BAD_ADDRESSES) {
    const content = ADDRESSES.content.replace(good, bad);
    assert.notEqual(content, ADDRESSES.content, good);
    assert.deepEqual(
      findings({ ...ADDRESSES, content })?.map((found) => found.line),
      [line],
      bad,
    );
  }
});

test('files of others are not judged here', () => {
  assert.equal(findings({ name: 'other.conf', content: 'log' }), undefined);
});
