// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gatewayFiles } from '../../contracts/plan/files.ts';
import { type GatewayPlan, planGateway } from '../../contracts/plan/plan.ts';
import { renderGateway } from '../../contracts/plan/render.ts';
import { judgeFiles } from '../../core/configuration/judge.ts';
import { RecordingJournal } from '../../core/journal/journal.ts';
import { placeFiles } from '../../host/files/place.os.ts';
import { StartError } from './heartbeat.os.ts';
import { refuseLogging } from './judged.os.ts';
import { GATEWAY_JUDGES, wordFor } from './judges.ts';

const CHOICE = {
  gateway: 'zrh-01',
  location: 'ch-zrh',
  name: 'zrh-01.vpn.example',
  address4: '192.0.2.1',
  uplink: 'eth0',
};

/** Every way in which gateways differ. */
const PLANS: readonly GatewayPlan[] = [undefined, '2001:db8::1'].flatMap((address6) =>
  (['kernel', 'libipsec'] as const).flatMap((esp) =>
    (['root', ['203.0.113.53', '2001:db8::53']] as const).map((forwarders) =>
      planGateway({ ...CHOICE, address6, esp, forwarders }),
    ),
  ),
);
const PLAN = planGateway({ ...CHOICE, address6: undefined });
const ROOT = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

test('each file that is rendered for a gateway has a judge, who finds nothing in it', () => {
  assert.equal(PLANS.length, 8);
  for (const plan of PLANS) assert.deepEqual(judgeFiles(renderGateway(plan), GATEWAY_JUDGES), []);
  const rendered = new Set(renderGateway(PLAN).map(({ name }) => name));
  const claimed = GATEWAY_JUDGES.flatMap(({ files }) => files);
  assert.deepEqual(new Set(claimed), rendered.union(new Set(['agent.json'])));
  assert.equal(claimed.length, new Set(claimed).size);
});

test('without any one of the judges, the files of its daemon are findings', () => {
  for (const judge of GATEWAY_JUDGES) {
    const others = GATEWAY_JUDGES.filter((other) => other !== judge);
    const files = [...renderGateway(PLAN), { name: 'agent.json', content: '{}' }];
    assert.deepEqual(new Set(judgeFiles(files, others).map(({ file }) => file)), new Set(judge.files));
  }
});

test('a judge claims what it says it claims, and nothing else', () => {
  for (const { files, findings } of GATEWAY_JUDGES) {
    for (const name of files) assert.notEqual(findings({ name, content: '' }), undefined, name);
    assert.equal(findings({ name: `${files[0]}.more`, content: '' }), undefined);
  }
});

test("no problem repeats a word of a file that is not in the judge's own lists", () => {
  const lines = [
    'alice',
    'alice = 1',
    'alice: 1',
    'alice=1',
    'alice { }',
    'alice { alice { alice = alice } }',
    'load = alice',
  ];
  for (const { files, findings } of GATEWAY_JUDGES) {
    for (const name of files) {
      for (const line of [...lines, ...lines.map((text) => `charon {\n${text}\n}`)]) {
        const found = findings({ name, content: `${line}\n` }) ?? [];
        assert.ok(found.length > 0, `${name}: ${line}`);
        assert.doesNotMatch(found.map(({ problem }) => problem).join(), /alice/, `${name}: ${line}`);
      }
    }
  }
});

/** A directory like a gateway's /run/lethe, as the activation and the daemons leave it. */
async function withDirectory(use: (directory: string) => void | Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'lethe-judged-'));
  chmodSync(root, 0o755);
  try {
    const keys = 'ca.crt server.crt server.key tls-crypt.key auth-token.key wireguard.key';
    const files = gatewayFiles({
      plan: PLAN,
      keys: keys.split(' ').map((name) => ({ path: `/run/lethe/keys/${name}`, content: 'verb 9' })),
      radiusSecret: '',
      token: '',
      controlAuthority: '',
      agent: { controlUrl: 'https://x', authfileKey: '', expectedKey: '', geoip: {}, release: '0.1.0' },
      owners: { agent: ROOT, wireguard: ROOT, tunnels: ROOT.gid, charon: ROOT.gid },
    });
    for (const file of files) placeFiles(root, [{ ...file, owner: ROOT }]);
    const directory = join(root, 'run/lethe');
    for (const name of ['private', 'openvpn-udp', 'openvpn-tcp', 'charon', 'resolver', 'activation']) {
      mkdirSync(join(directory, name));
    }
    symlinkSync('/run/lethe/keys/server.key', join(directory, 'private/server.key'));
    writeFileSync(join(directory, 'activation/published.json'), '{}');
    await use(directory);
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** What the journal says when a gateway looks at its directory; nothing when it goes on to serve. */
function saidOf(directory: string): string[] {
  const journal = new RecordingJournal();
  try {
    refuseLogging(directory, journal);
    assert.deepEqual(journal.events, []);
    return [];
  } catch (error) {
    assert.ok(error instanceof StartError && error.message === 'configuration_may_log');
    return journal.events.map((event) =>
      event.code === 'config_refused' ? `${event.file} ${event.line}` : event.code,
    );
  }
}

test('a gateway serves on the files that are placed for it, with its keys and its sockets', async () => {
  await withDirectory(async (directory) => {
    assert.deepEqual(saidOf(directory), []);
    const server = createServer().listen(join(directory, 'charon/charon.vici'));
    await once(server, 'listening');
    assert.deepEqual(saidOf(directory), []);
    server.close();
  });
});

/** Changes to the directory, and what the gateway says of each. */
const BAD: readonly [change: (directory: string) => void, said: string[]][] = [
  [(at) => writeFileSync(join(at, 'more.conf'), ''), ['unknown 0']],
  [(at) => writeFileSync(join(at, 'customer@example.net'), ''), ['unknown 0']],
  [(at) => writeFileSync(join(at, 'keys/198.51.100.9'), ''), ['keys.unknown 0']],
  [(at) => writeFileSync(join(at, 'openvpn-udp/status.log'), ''), ['openvpn-udp.unknown 0']],
  [(at) => writeFileSync(join(at, 'resolver/unbound.ctl'), ''), ['resolver.unbound.ctl 0']],
  [(at) => mkdirSync(join(at, 'ccd')), ['unknown 0']],
  [(at) => mkdirSync(join(at, 'ccd/deeper'), { recursive: true }), ['unknown 0', 'unknown 0']],
  [(at) => rmSync(join(at, 'strongswan.conf')), ['strongswan.conf 0']],
  [
    (at) => appendFileSync(join(at, 'strongswan.conf'), 'charon { filelog { x { path = /x } } }'),
    ['strongswan.conf 46'],
  ],
  [(at) => appendFileSync(join(at, 'openvpn-tcp.conf'), 'status /x\n'), ['openvpn-tcp.conf 46']],
  [(at) => appendFileSync(join(at, 'addresses.env'), 'LD_PRELOAD=/x\n'), ['addresses.env 3']],
  [(at) => writeFileSync(join(at, 'agent.json'), '{"logFile":"/x"}'), ['agent.json 0']],
  [(at) => writeFileSync(join(at, 'agent.json'), '['), ['agent.json 0']],
  [(at) => linkInstead(at, 'unbound.conf'), ['unbound.conf 0']],
  [(at) => linkInstead(at, 'keys/server.key'), ['keys.server.key 0']],
];

function linkInstead(directory: string, name: string): void {
  const elsewhere = join(directory, '../../moved');
  renameSync(join(directory, name), elsewhere);
  symlinkSync(elsewhere, join(directory, name));
}

for (const [change, said] of BAD) {
  test(`a gateway whose directory changed by ${String(change).replace('(at) => ', '')} refuses to serve`, async () => {
    await withDirectory((directory) => {
      change(directory);
      assert.deepEqual(saidOf(directory), said);
    });
  });
}

test('a gateway whose directory is a link refuses to serve, though all is well where it leads', async () => {
  await withDirectory((directory) => {
    const link = join(directory, '../link');
    symlinkSync(directory, link);
    assert.deepEqual(saidOf(link), ['unknown 0']);
    assert.deepEqual(saidOf(directory), []);
  });
});

test('what a writer left halfway does not keep a gateway from serving, and is taken for nothing else', async () => {
  await withDirectory((directory) => {
    writeFileSync(join(directory, 'unbound.conf.7.unfinished'), 'server:\n');
    writeFileSync(join(directory, 'keys/server.key.7.unfinished'), '');
    assert.deepEqual(saidOf(directory), []);
    writeFileSync(join(directory, 'openvpn-udp.7.unfinished'), '');
    assert.deepEqual(saidOf(directory), ['unknown 0']);
  });
});

test('what the gateway cannot look at is a finding too', async () => {
  const look = (name: string) => (directory: string) => {
    chmodSync(join(directory, name), 0);
    const [uid, gid] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
    process.setegid?.(65_534);
    process.seteuid?.(65_534);
    try {
      assert.deepEqual(saidOf(directory), [`${name} 0`]);
    } finally {
      process.seteuid?.(uid);
      process.setegid?.(gid);
    }
  };
  await withDirectory(look('keys'));
  await withDirectory(look('swanctl.conf'));
});

test('the word for a name that is none of ours says no more than where it lies', () => {
  const word = (file: string) => wordFor({ file, line: 0, problem: '' });
  assert.equal(word('unbound.conf'), 'unbound.conf');
  assert.equal(word('charon/charon.vici'), 'charon.charon.vici');
  assert.equal(word('charon/alice'), 'charon.unknown');
  assert.equal(word('alice/unbound.conf'), 'unknown');
  assert.equal(word('toString'), 'unknown');
});
