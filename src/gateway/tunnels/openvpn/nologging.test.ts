// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GatewayPlan, planGateway } from '../../../contracts/plan/plan.ts';
import { OPENVPN_JUDGE } from './nologging.ts';
import { OPENVPN_TCP, OPENVPN_UDP } from './protocol.ts';

const { findings } = OPENVPN_JUDGE;
const render = (plan: GatewayPlan) => [OPENVPN_UDP, OPENVPN_TCP].flatMap((protocol) => protocol.render(plan));

const CHOICE = { gateway: 'zrh-01', location: 'ch-zrh', name: 'zrh-01.example', uplink: 'eth0' };
const PLANS = [
  planGateway({ ...CHOICE, address4: '198.51.100.1', address6: undefined }),
  planGateway({ ...CHOICE, address4: '198.51.100.1', address6: '2001:db8::1' }),
];

const good = render(PLANS[0] as (typeof PLANS)[0])[0]?.content ?? '';

function problems(content: string, name = 'openvpn-udp.conf'): string[] {
  return (findings({ name, content }) ?? assert.fail()).map(({ line, problem }) => `${line}: ${problem}`);
}

test('what is rendered keeps silent', () => {
  for (const plan of PLANS) {
    const files = render(plan);
    assert.deepEqual(
      files.map(({ name }) => name),
      ['openvpn-udp.conf', 'openvpn-tcp.conf'],
    );
    for (const file of files) assert.deepEqual(findings(file), []);
  }
});

test('both plans say where they listen', () => {
  const [udp4, tcp4, udp6, tcp6] = PLANS.flatMap(render).map(({ content }) => content);
  assert.match(udp4 ?? '', /^proto udp4\nlocal 198\.51\.100\.1$/m);
  assert.match(tcp4 ?? '', /^port 443\nproto tcp4-server\nlocal 198\.51\.100\.1$/m);
  assert.match(udp6 ?? '', /^proto udp6\nmultihome$/m);
  assert.match(tcp6 ?? '', /^proto tcp6-server\ntcp-nodelay$/m);
  assert.match(udp4 ?? '', /^server 10\.64\.0\.0 255\.255\.192\.0$/m);
  assert.match(tcp4 ?? '', /^server-ipv6 fd6c:6574:6865:2::\/64$/m);
});

const REPLACED: readonly [line: string, by: string, problem: RegExp][] = [
  ['verb 0', 'verb 3', /verb must be 0/],
  ['verb 0', '', /verb is not set/],
  ['verb 0', 'verb 0\n--verb 4', /verb must be 0/],
  ['verb 0', 'verb "0" 1', /verb must be 0/],
  ['log /dev/null', 'log /var/log/openvpn.log', /log must be/],
  ['log /dev/null', '# log /dev/null', /log is not set/],
  ['log /dev/null', ';log /dev/null', /log is not set/],
  ['management-log-cache 1', 'management-log-cache 250', /management-log-cache must be 1/],
  ['management-log-cache 1', '', /management-log-cache is not set/],
  ['script-security 0', 'script-security 2', /script-security must be 0/],
  ['management /run/lethe/openvpn-udp/management.sock unix', 'management 127.0.0.1 7505', /must be a socket in memory/],
  ['management /run/lethe/openvpn-udp/management.sock unix', 'management /tmp/m.sock unix', /must be a socket in mem/],
  ['management /run/lethe/openvpn-udp/management.sock unix', '', /management is not set/],
  ['tmp-dir /run/lethe/openvpn-udp', 'tmp-dir /var/tmp', /tmp-dir must be in memory/],
  ['tmp-dir /run/lethe/openvpn-udp', 'tmp-dir /run/../var/tmp', /tmp-dir must be in memory/],
  ['tmp-dir /run/lethe/openvpn-udp', 'tmp-dir /run/user', /tmp-dir must be in memory/],
  ['tmp-dir /run/lethe/openvpn-udp', 'tmp-dir /run/lethe/openvpn-tcp', /tmp-dir must be in memory/],
  [
    'management /run/lethe/openvpn-udp/management.sock unix',
    'management /run/x/m.sock unix',
    /must be a socket in mem/,
  ],
  ['tmp-dir /run/lethe/openvpn-udp', '', /tmp-dir is not set/],
];

for (const [line, by, problem] of REPLACED) {
  test(`'${by.replace('\n', ', ')}' in place of '${line}' is found`, () => {
    const bad = good.replace(`\n${line}\n`, `\n${by}\n`);
    assert.notEqual(bad, good);
    const found = problems(bad);
    assert.equal(found.length, 1);
    assert.match(found[0] ?? '', problem);
  });
}

const ADDED = [
  'status /var/log/openvpn/status.log 10',
  'status-version 3',
  'log-append /var/log/openvpn.log',
  'syslog openvpn',
  'daemon openvpn',
  'errors-to-stderr',
  'machine-readable-output',
  'echo connected',
  'ifconfig-pool-persist ipp.txt',
  'client-config-dir /etc/openvpn/ccd',
  'replay-persist /var/lib/replay',
  'writepid /run/openvpn.pid',
  'tls-export-cert /var/lib/certificates',
  'port-share 127.0.0.1 8443 /var/lib/shared',
  'auth-user-pass-verify /usr/bin/check via-env',
  'client-connect /usr/bin/record',
  'client-disconnect /usr/bin/record',
  'client-crresponse /usr/bin/record',
  'learn-address /usr/bin/record',
  'tls-verify /usr/bin/record',
  'tls-crypt-v2-verify /usr/bin/record',
  'ipchange /usr/bin/record',
  'up /usr/bin/record',
  'down /usr/bin/record',
  'route-up /usr/bin/record',
  'route-pre-down /usr/bin/record',
  'iproute /usr/bin/record',
  'plugin /usr/lib/openvpn/record.so',
  'providers record',
  'engine record',
  'config /etc/openvpn/more.conf',
  'capath /etc/ssl/certs',
  'setenv name value',
  'setenv-safe name value',
  "'status' 'a file'",
  '"sta\\tus" x',
  '\t--status\tx',
  'push "echo hello"',
  'push "setenv FORWARD 1"',
  'client-to-client',
  '<connection>',
  'something-new',
  '"status x',
  "'",
  '\\',
  'log /dev/null;x',
  'log /dev/null#x',
  'log /dev/null # silent',
  'verb 0;',
  'ca /run/lethe/keys/ca.crt;x',
  `# ${'x'.repeat(253)}`,
  `ca ${' '.repeat(252)}log /tmp/x`,
  'push block-outside-dns x',
];

for (const line of ADDED) {
  test(`'${line.slice(0, 40)}' is found on its line`, () => {
    const found = problems(`${good}${line}\n`);
    assert.equal(found.length, 1, found.join());
    assert.match(found[0] ?? '', new RegExp(`^${good.split('\n').length}: `));
  });
}

test('comments are passed over, as long as OpenVPN reads them whole', () => {
  assert.deepEqual(problems(`# a remark; no more\n  ;verb 9\n# ${'x'.repeat(252)}\n${good}`), []);
});

test('files of others are passed over', () => {
  assert.equal(findings({ name: 'unbound.conf', content: 'verb 9' }), undefined);
});

test('an empty file lacks all that is demanded', () => {
  assert.equal(problems('', 'openvpn-tcp.conf').length, 6);
});
