// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { render } from '../../../contracts/plan/dns/render.ts';
import { planGateway, type RenderedFile } from '../../../contracts/plan/plan.ts';
import { RESOLVER_JUDGE } from './nologging.ts';

const { findings } = RESOLVER_JUDGE;

const CHOICE = {
  gateway: 'a-1',
  location: 'a',
  name: 'a',
  address4: '198.51.100.1',
  address6: undefined,
  uplink: 'eth0',
};
const [GOOD] = render(planGateway({ ...CHOICE, forwarders: ['203.0.113.53'] })) as [RenderedFile];

function problems(content: string): string[] {
  return (findings({ ...GOOD, content }) ?? assert.fail()).map(({ problem }) => problem);
}

test('what is rendered keeps nothing', () => {
  for (const forwarders of ['root', ['203.0.113.53', '2001:db8::53']] as const)
    for (const file of render(planGateway({ ...CHOICE, forwarders }))) assert.deepEqual(findings(file), []);
});

const DEMANDED = [
  ['use-syslog: no', 'use-syslog: yes'],
  ['logfile: "/dev/null"', 'logfile: "/var/log/unbound.log"'],
  ['verbosity: 0', 'verbosity: 1'],
  ['val-log-level: 0', 'val-log-level: 2'],
  ['log-queries: no', 'log-queries: yes'],
  ['log-replies: no', 'log-replies: yes'],
  ['log-local-actions: no', 'log-local-actions: yes'],
  ['log-servfail: no', 'log-servfail: yes'],
  ['log-tag-queryreply: no', 'log-tag-queryreply: yes'],
  ['log-identity: ""', 'log-identity: "zrh-01"'],
  ['statistics-interval: 0', 'statistics-interval: 60'],
  ['statistics-cumulative: no', 'statistics-cumulative: yes'],
  ['extended-statistics: no', 'extended-statistics: yes'],
  ['shm-enable: no', 'shm-enable: yes'],
  ['pidfile: ""', 'pidfile: "/run/unbound.pid"'],
] as const;

test('each setting that silence depends on is demanded, with its only value', () => {
  for (const [good, bad] of DEMANDED) {
    const [key] = good.split(':');
    const lines = GOOD.content.split('\n');
    const line = lines.indexOf(`  ${good}`) + 1;
    assert.ok(line > 0, good);
    const [found] = findings({ ...GOOD, content: GOOD.content.replace(good, bad) }) ?? [];
    assert.equal(found?.line, line, bad);
    assert.match(found?.problem ?? '', new RegExp(`^${key} must be `), bad);
    assert.deepEqual(problems(GOOD.content.replace(`  ${good}\n`, '')), [`${key} is not set`]);
    assert.deepEqual(problems(GOOD.content.replace(good, `# ${good}`)), [`${key} is not set`]);
  }
});

const UNKNOWN = [
  'auto-trust-anchor-file: "/var/lib/unbound/root.key"',
  'root-hints: "/etc/root.hints"',
  'log-time-ascii: yes',
  'log-destaddr: yes',
  'include: "/etc/unbound/more.conf"',
  'serve-expired: yes',
  'no-such-key: 1',
  'garbage',
  '"/tmp/q.log"',
  'LOG-QUERIES: yes',
  'num-threads: 2 log-queries: yes logfile: "/tmp/q.log" verbosity: 3',
  'num-threads: 2 include: /tmp/inc.conf',
  'num-threads: "2" log-queries: yes',
  'num-threads: "2"log-queries: yes',
  'num-threads: 2 # two',
  'num-threads:2 log-queries: yes',
  'num-threads: 2\tlog-queries: yes',
  'msg-cache-size: log-queries:',
  "username: '\"' log-queries: yes",
  'access-control: 10.64.0.0/18 allow log-queries: yes',
  'access-control: 10.64.0.0/18 allow_snoop',
  'local-zone: "." inform',
  'local-zone: "." redirect',
  'local-zone: "test." nodefault log-queries: yes',
  'trust-anchor: ". DS 1 8 2 AA" log-queries: yes',
  'module-config: "iterator" log-queries: yes',
];

test('each key that nobody has judged is found', () => {
  for (const line of UNKNOWN) {
    const content = GOOD.content.replace('  use-syslog: no\n', `  use-syslog: no\n  ${line}\n`);
    assert.equal(problems(content).length, 1, line);
    assert.equal(problems(`${line}\n${GOOD.content}`).length, 1, `${line}, before any clause`);
  }
});

const CLAUSES = [
  'dnstap:\n  dnstap-enable: yes\n',
  'cachedb:\n  backend: "redis"\n',
  'auth-zone:\n  zonefile: "/var/zone"\n',
  'rpz:\n  rpz-log: yes\n',
  'python:\n  python-script: "/x.py"\n',
  'dynlib:\n  dynlib-file: "/x.so"\n',
  'include-toplevel: "/etc/unbound/more.conf"\n',
];

test('each clause that could write or log is found', () => {
  for (const clause of CLAUSES) assert.ok(problems(GOOD.content + clause).length > 0, clause);
});

test('modules, the control socket and the forwarders hold nothing else', () => {
  for (const [good, bad] of [
    ['"validator iterator"', '"validator cachedb iterator"'],
    ['"validator iterator"', '"python iterator"'],
    ['control-interface: /run/', 'control-interface: /var/'],
    ['control-interface: /run/lethe/resolver/unbound.ctl', 'control-interface: /run/x control-interface: 0.0.0.0'],
    ['control-enable: yes', 'control-enable: yes control-interface: 0.0.0.0'],
    ['forward-addr: 203.0.113.53', 'forward-addr: 203.0.113.53 include: /tmp/x'],
    ['name: "."', 'name: "." forward-addr: 192.0.2.66'],
    ['control-use-cert: no', 'control-use-cert: no\n  server-key-file: "/var/key"'],
    ['forward-addr: 203', 'forward-tls-upstream: yes\n  forward-addr: 203'],
  ] as const) {
    const content = GOOD.content.replace(good, bad);
    assert.notEqual(content, GOOD.content, good);
    assert.equal(problems(content).length, 1, bad);
  }
});

test('files of others are not judged here', () => {
  assert.equal(findings({ name: 'other.conf', content: 'verbosity: 9' }), undefined);
});
