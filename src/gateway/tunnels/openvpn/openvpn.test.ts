// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { AuthFileIssuer } from '../../../../proof/labs/customers/issuer.os.ts';
import { endAll, TestAgent } from '../../../../proof/labs/openvpn/agent.ts';
import { type OpenvpnLab, openOpenvpnLab } from '../../../../proof/labs/openvpn/lab.os.ts';
import type { OpenvpnProtocol } from '../../../contracts/plan/openvpn/server.ts';
import { waitUntil } from '../../../core/clock/until.ts';
import type { Child } from '../../../host/processes/process.os.ts';

// Real servers with the rendered configuration, run as an unprivileged user; real clients; the adapter of this process.

const USER = { uid: 64_010, gid: 64_010 };
const issuer = new AuthFileIssuer();
const EVERYBODY = [
  { username: 'alice', password: 'correct horse' },
  { username: 'bob', password: 'battery staple', seats: 1 },
  { username: 'carol', password: 'long ago', validFor: -1 },
];
const agents = new Map<OpenvpnProtocol, TestAgent>();
let lab: OpenvpnLab;

before(async () => {
  issuer.publish(EVERYBODY);
  lab = await openOpenvpnLab({
    protocols: ['openvpn-udp', 'openvpn-tcp'],
    clients: 2,
    server: { keepAlive: { ping: 1, restart: 4 } },
    user: USER,
    agentGroup: 0,
  });
  for (const protocol of ['openvpn-udp', 'openvpn-tcp'] as const) {
    const agent = new TestAgent(issuer, lab.socket(protocol), protocol);
    await waitUntil('the server runs', () => lab.server(protocol).running);
    await agent.adapter.start();
    agents.set(protocol, agent);
  }
});

afterEach(async () => {
  await lab.disconnectAll();
  for (const { sessions } of agents.values()) await waitUntil('all sessions have ended', () => sessions.size === 0);
});

after(async () => {
  for (const agent of agents.values()) agent.adapter.stop();
  await lab.close();
});

function agent(protocol: OpenvpnProtocol = 'openvpn-tcp'): TestAgent {
  const found = agents.get(protocol) as TestAgent;
  found.used.length = 0;
  return found;
}

/** Runs to the client's own end and gives what it showed. */
async function refused(client: Child): Promise<string> {
  await waitUntil('the client gives up', () => !client.running);
  return client.output();
}

async function carries(index: number, protocol: OpenvpnProtocol, cipher: string, tls: string): Promise<void> {
  const { sessions, origin, adapter } = agents.get(protocol) as TestAgent;
  const before = sessions.size;
  const extra = ['--data-ciphers', cipher, '--tls-version-max', tls];
  const client = await lab.connected(index, 'alice', 'correct horse', { protocol, extra });
  assert.match(client.output(), new RegExp(`Data Channel: cipher '${cipher}'`));
  assert.match(client.output(), new RegExp(`Control Channel: TLSv${tls.replace('.', '\\.')}`));
  const pool = protocol === 'openvpn-udp' ? 1 : 2;
  for (const address of [lab.plan.service4, `fd6c:6574:6865:${pool}::1`]) {
    await lab.clients[index]?.run(['ping', '-q', '-c3', '-i0.1', '-s1000', '-W20', address]);
  }
  assert.equal(sessions.list().length, before + 1);
  assert.deepEqual(origin.asked, { first: 203, last: 2, length: 4 });
  const inner = /,ifconfig (\S+) /.exec(client.output())?.[1] ?? '';
  const bytes = Uint8Array.from(inner.split('.').map(Number));
  assert.equal(adapter.sessionAt(bytes, 0, 4), sessions.list()[before]?.session);
}

for (const protocol of ['openvpn-udp', 'openvpn-tcp'] as const) {
  test(`sessions over ${protocol} are counted and leave a usage record each`, async () => {
    const { used, sessions } = agent(protocol);
    await carries(0, protocol, 'AES-256-GCM', '1.3');
    await carries(1, protocol, 'CHACHA20-POLY1305', '1.2');
    await lab.disconnectAll();
    await waitUntil('the sessions end', () => used.length === 2);
    for (const record of used) {
      assert.equal(record.protocol, protocol);
      assert.equal(record.origin.country, 'CH');
      assert.ok(record.totalBytes > 12_000 && record.totalBytes < 40_000, `${record.totalBytes} bytes`);
    }
    assert.equal(sessions.size, 0);
    const { adapter } = agents.get(protocol) as TestAgent;
    for (let last = 2; last < 10; last += 1) {
      assert.equal(
        adapter.sessionAt(Uint8Array.of(10, 64, protocol === 'openvpn-udp' ? 0 : 64, last), 0, 4),
        undefined,
      );
    }
  });
}

test('who is refused is told why, and leaves no event', async () => {
  const { used, sessions } = agent();
  const wrong = [
    { name: 'alice', password: 'wrong', says: ',Unknown username or password. New ones may take half a minute' },
    {
      name: 'nobody',
      password: 'correct horse',
      says: ',Unknown username or password. New ones may take half a minute',
    },
    { name: 'carol', password: 'long ago', says: ',The licence has expired' },
    {
      name: 'a'.repeat(64),
      password: 'b'.repeat(1000),
      says: ',Unknown username or password. New ones may take half a minute',
    },
    // OpenVPN itself refuses a name that is no common name.
    { name: 'a'.repeat(65), password: 'correct horse', says: '' },
  ];
  for (const { name, password, says } of wrong) {
    const output = await refused(await lab.connect(0, name, password));
    assert.match(output, new RegExp(`AUTH_FAILED${says}`));
  }
  assert.equal(sessions.size, 0);
  assert.equal(used.length, 0);
});

test('a licence has as many sessions as seats', async () => {
  const { sessions } = agent();
  const first = await lab.connected(0, 'bob', 'battery staple');
  assert.match(await refused(await lab.connect(1, 'bob', 'battery staple')), /AUTH_FAILED,The only seat is in use/);
  assert.equal(sessions.size, 1);
  await first.stop();
  await waitUntil('the seat is free', () => sessions.size === 0);
  await lab.connected(1, 'bob', 'battery staple');
});

test('a session that must end shows why', async () => {
  const { used, sessions } = agent();
  const client = await lab.connected(0, 'alice', 'correct horse');
  endAll(sessions, 'seats');
  assert.equal(sessions.list().length, 0);
  assert.match(await refused(client), /Halt command was pushed by server \('All 5 seats are in use'\)/);
  await waitUntil('the usage is recorded', () => used.length === 1);
});
