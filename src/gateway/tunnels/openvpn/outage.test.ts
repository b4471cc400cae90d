// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AuthFileIssuer } from '../../../../proof/labs/customers/issuer.os.ts';
import { TestAgent } from '../../../../proof/labs/openvpn/agent.ts';
import { isUp, type OpenvpnLab, openOpenvpnLab } from '../../../../proof/labs/openvpn/lab.os.ts';
import { waitUntil } from '../../../core/clock/until.ts';

// Agents and daemons that come and go while clients are connected. The tests follow one another on one gateway.

const ALICE = { username: 'alice', password: 'correct horse' };
const BOB = { username: 'bob', password: 'battery staple' };
const issuer = new AuthFileIssuer();
let lab: OpenvpnLab;

before(async () => {
  issuer.publish([ALICE, BOB]);
  const server = { keepAlive: { ping: 1, restart: 4 } };
  lab = await openOpenvpnLab({ clients: 3, server, env: { LC_ALL: 'C' } });
});

after(() => lab.close());

function ping(index: number, count = 1): Promise<string> {
  const argv = ['ping', '-q', `-c${count}`, '-i0.1', '-W2', '-s1000', lab.plan.service4];
  return (lab.clients[index] as OpenvpnLab['gateway']).run(argv);
}

test('an agent that starts before the daemon finds it when it comes', async () => {
  const agent = new TestAgent(issuer, `${lab.socket()}.later`);
  await agent.adapter.start();
  await waitUntil('the loss is said', () => agent.journal.codes().includes('daemon_lost'));
  agent.adapter.stop();
  assert.deepEqual(agent.journal.codes(), ['daemon_lost']);
});

test('sessions outlive the agent, nobody new gets in meanwhile, and the next agent takes over', async () => {
  const first = new TestAgent(issuer, lab.socket());
  await first.adapter.start();
  const alice = await lab.connected(0, ALICE.username, ALICE.password);
  const bob = await lab.connected(1, BOB.username, BOB.password);
  await ping(0, 10);
  first.adapter.stop();

  await ping(0);
  const late = await lab.connect(2, BOB.username, BOB.password);
  await waitUntil('the late client asks', () => late.output().includes('PUSH_REQUEST'));
  await ping(1);
  assert.equal(isUp(late), false);
  assert.equal(first.used.length, 0);

  issuer.publish([ALICE]);
  const second = new TestAgent(issuer, lab.socket());
  await second.adapter.start();
  await waitUntil('the second agent knows alice', () => second.live === 1);
  assert.match(bob.output(), /Initialization Sequence Completed/);
  await waitUntil('bob is no customer any more', () => !bob.running && !late.running);
  assert.match(bob.output(), /AUTH_FAILED/);
  assert.match(late.output(), /AUTH_FAILED/);
  assert.equal(second.live, 1);
  await ping(0);
  await alice.stop();
  await waitUntil('the usage is recorded', () => second.used.length === 1);
  assert.ok((second.used[0]?.totalBytes ?? 0) > 20_000, 'what the first agent saw is counted too');
  assert.deepEqual(second.origin.asked, { first: 203, last: 2, length: 4 });
  second.adapter.stop();
});

test('an agent without an auth file touches nobody, and takes over when it gets one', async () => {
  issuer.publish([ALICE]);
  const earlier = new TestAgent(issuer, lab.socket());
  await earlier.adapter.start();
  await lab.connected(0, ALICE.username, ALICE.password);
  earlier.adapter.stop();

  const empty = new AuthFileIssuer();
  const agent = new TestAgent(empty, lab.socket());
  await agent.adapter.start();
  const other = await lab.connect(1, ALICE.username, ALICE.password);
  await waitUntil('the client is put off', () => other.output().includes('AUTH_FAILED,TEMP'));
  assert.ok(other.running);
  await other.stop();
  await ping(0);
  assert.equal(agent.live, 0);
  empty.publish([ALICE]);
  await waitUntil('the session is known', () => agent.live === 1);
  await ping(0);
  agent.adapter.stop();
  await lab.disconnectAll();
});

test('when the daemon is killed its sessions end, and the next one is served', async () => {
  const agent = new TestAgent(issuer, lab.socket());
  await agent.adapter.start();
  await waitUntil('the last test is over', () => agent.sessions.size === 0);
  const client = await lab.connected(0, ALICE.username, ALICE.password);
  assert.equal(agent.live, 1);
  lab.server().signal('SIGKILL');
  await waitUntil('the session ends', () => agent.used.length === 1 && agent.sessions.size === 0);
  await lab.startServer();
  await waitUntil('the client is back', () => agent.live === 1);
  assert.ok(client.running);
  assert.deepEqual(agent.journal.codes(), ['daemon_lost', 'daemon_found']);
  agent.adapter.stop();
});
