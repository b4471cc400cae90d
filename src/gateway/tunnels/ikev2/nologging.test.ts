// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONNECTIONS_FILE, DAEMON_FILE, render } from '../../../contracts/plan/ikev2/render.ts';
import { planGateway, type RenderedFile } from '../../../contracts/plan/plan.ts';
import { IKEV2_JUDGE, settingsOf } from './nologging.ts';

const { findings } = IKEV2_JUDGE;

const choice = { gateway: 'zrh-01', location: 'ch-zrh', name: 'gw.example', address4: '198.51.100.1', uplink: 'eth0' };

function rendered(name: string, esp: 'kernel' | 'libipsec' = 'kernel', address6?: string): RenderedFile {
  const files = render(planGateway({ ...choice, address6, esp }));
  return files.find((file) => file.name === name) as RenderedFile;
}

function problems(name: string, change: (content: string) => string): string[] {
  const { content } = rendered(name);
  const changed = change(content);
  assert.notEqual(changed, content, 'the bad example changes nothing');
  return (findings({ name, content: changed }) ?? []).map((finding) => finding.problem);
}

test('what is rendered logs, records and persists nothing', () => {
  for (const esp of ['kernel', 'libipsec'] as const) {
    for (const name of [DAEMON_FILE, CONNECTIONS_FILE]) assert.deepEqual(findings(rendered(name, esp)), []);
  }
  assert.deepEqual(findings(rendered(CONNECTIONS_FILE, 'kernel', '2001:db8::1')), []);
  assert.equal(findings({ name: 'other.conf', content: 'filelog { x { path = /var/log/x } }' }), undefined);
});

const inCharon = (line: string) => (content: string) => content.replace('charon {\n', `charon {\n${line}\n`);
const inConnection = (line: string) => (content: string) => content.replace('lethe {\n', `lethe {\n${line}\n`);
const inChild = (line: string) => (content: string) => content.replace('tunnel {\n', `tunnel {\n${line}\n`);
const load = (plugin: string) => (content: string) => content.replace('load = random', `load = ${plugin} random`);
const instead = (from: string, to: string) => (content: string) => content.replace(from, to);
const atTop = (text: string) => (content: string) => `${text}\n${content}`;

test('each way for charon to log, record or persist is found', () => {
  const bad: readonly (readonly [(content: string) => string, RegExp])[] = [
    [instead('load_modular = no', 'load_modular = yes'), /load_modular must be no/],
    [instead('load_modular = no\n', '\n'), /load_modular is not set/],
    [instead('cache_crls = no', 'cache_crls = yes'), /cache_crls must be no/],
    [instead('default = -1', 'default = 1'), /syslog.daemon.default must be -1/],
    [inCharon('syslog { daemon { ike = 1 } }'), /a (?:setting|section) is not known/],
    [inCharon('syslog { identifier = charon }'), /a (?:setting|section) is not known/],
    [inCharon('filelog { charon { path = /var/log/charon.log } }'), /a log file is set/],
    [inCharon('filelog { stderr { default = 1 } }'), /a log file is set/],
    [inCharon('journal { default = 1 }'), /a (?:setting|section) is not known/],
    [inCharon('customlog { x { default = 1 } }'), /a (?:setting|section) is not known/],
    [inCharon('start-scripts { a = /bin/true }'), /a script is run/],
    [inCharon('stop-scripts { a = /bin/true }'), /a script is run/],
    [inCharon('plugins { save-keys { wireshark_keys = /tmp } }'), /a (?:setting|section) is not known/],
    [inCharon('include /etc/strongswan.d/*.conf'), /a (?:setting|section) is not known/],
    [atTop('include /etc/strongswan.d/*.conf'), /a (?:setting|section) is not known/],
    [atTop('libstrongswan { leak_detective { detailed = yes } }'), /a (?:setting|section) is not known/],
    [instead('accounting = no', 'accounting = yes'), /accounting must be no/],
    [instead('station_id_with_port = no', 'station_id_with_port = yes'), /station_id_with_port must be no/],
    [instead('enable = no', 'enable = yes'), /dae.enable must be no/],
    [instead('unix:///run/lethe/charon/', 'tcp://0.0.0.0:4502/'), /vici.socket must be unix:/],
    [instead('include /run/', 'include /etc/'), /an included file is not the known one/],
    [instead('include /run/lethe/keys/', 'include /run/../tmp/'), /an included file is not the known one/],
    [instead('radius.secret', 'radius.secret /tmp/x'), /an included file is not the known one/],
    [instead('address = 127.0.0.1', 'address = 192.0.2.66'), /agent.address must be 127.0.0.1/],
    [instead('charon/charon.vici', '../../tmp/x'), /vici.socket must be unix:/],
    [instead('filelog {\n', 'filelog {\n/tmp/x {\n}\n'), /a log file is set/],
    [instead('filelog {\n', 'filelog {\nstdout { }\n'), /a log file is set/],
    [inCharon('filelog { /tmp/x { } }'), /a log file is set/],
    [inCharon('syslog { local1 { } }'), /a section is not known/],
    [inCharon('journal { }'), /a section is not known/],
    [inCharon('journal {\n}'), /a section is not known/],
    [inCharon('start-scripts { }'), /a script is run/],
    [atTop('charon-systemd { journal { } }'), /a section is not known/],
    [atTop('a : charon { }'), /a section is not known/],
    [atTop('charon.filelog { }'), /a section is not known/],
    [atTop('"charon" { "filelog" { "x" { } } }'), /a line is not written plainly/],
    [inCharon('threads = 4 # more'), /a line is not written plainly/],
    [inCharon('threads = a\\'), /a line is not written plainly/],
    [inCharon('threads'), /a setting is not known/],
    [instead('  load = ', '  loud = '), /charon.load is not set/],
    [load('whitelist'), /a plugin is not known to keep silent/],
    [load('attr-sql'), /keeps leases with names in a database/],
    [load('certexpire'), /writes certificates/],
    [load('counters'), /counts by connection/],
    [load('dhcp'), /tells a DHCP server/],
    [load('duplicheck'), /who came twice/],
    [load('error-notify'), /whose connection failed/],
    [load('ext-auth'), /runs a script/],
    [load('ha'), /copies sessions/],
    [load('led'), /files of the kernel/],
    [load('lookip'), /who has which address/],
    [load('save-keys'), /writes the keys/],
    [load('sql'), /its log in a database/],
    [load('stroke'), /second door/],
    [load('updown'), /runs a script/],
  ];
  for (const [change, expected] of bad) {
    const found = problems(DAEMON_FILE, change);
    assert.ok(
      found.some((problem) => expected.test(problem)),
      `${expected} is not in ${found.join(', ')}`,
    );
  }
});

test('each way for a connection to record or persist is found', () => {
  const bad: readonly (readonly [(content: string) => string, RegExp])[] = [
    [instead('pools = radius', 'pools = own'), /own pools remember/],
    [atTop('pools { own { addrs = 10.0.0.0/8 } }'), /own pools remember/],
    [atTop('secrets { eap-1 { id = alice\nsecret = x } }'), /must not lie in a file/],
    [atTop('authorities { a { crl_uris = http:///x } }'), /a (?:setting|section) is not known/],
    [atTop('include conf.d/*.conf'), /a (?:setting|section) is not known/],
    [inConnection('mark_in = 1'), /a (?:setting|section) is not known/],
    [inConnection('local { groups = a }'), /a (?:setting|section) is not known/],
    [inConnection('other { auth = psk }'), /a (?:setting|section) is not known/],
    [inConnection('remote-eap { }'), /a section is not known/],
    [inConnection('local : other { }'), /a section is not known/],
    [atTop('authorities { }'), /a section is not known/],
    [atTop('pools { }'), /own pools remember/],
    [atTop('connections.x { }'), /a section is not known/],
    [inChild('updown = /usr/lib/ipsec/_updown'), /a script is run/],
    [inChild('hw_offload = yes'), /a (?:setting|section) is not known/],
  ];
  for (const [change, expected] of bad) {
    const found = problems(CONNECTIONS_FILE, change);
    assert.ok(
      found.some((problem) => expected.test(problem)),
      `${expected} is not in ${found.join(', ')}`,
    );
  }
});

test('a finding names the line', () => {
  const [found] = findings({ name: CONNECTIONS_FILE, content: '# none\n\nsecrets {\n  eap { id = x }\n}\n' }) ?? [];
  assert.equal(found?.line, 3);
});

test('the parser knows comments, one-line sections and inclusions, and what is not plain has no path that is known', () => {
  const parsed = settingsOf('a {\n b { c = x, y } # d = 1\n include /run/x\n}\ne = f g, h\ni j\nk.l { }');
  assert.deepEqual(
    parsed.map(({ path, value, line }) => [path, value, line]),
    [
      ['a', undefined, 1],
      ['a.b', undefined, 2],
      ['a.b.c', 'x, y', 2],
      ['a.include', '/run/x', 3],
      ['e', 'f g, h', 5],
      ['?', '', 6],
      ['?', undefined, 7],
    ],
  );
});
