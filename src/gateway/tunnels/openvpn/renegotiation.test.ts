// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AuthFileIssuer } from '../../../../proof/labs/customers/issuer.os.ts';
import { TestAgent } from '../../../../proof/labs/openvpn/agent.ts';
import { type OpenvpnLab, openOpenvpnLab } from '../../../../proof/labs/openvpn/lab.os.ts';
import { waitUntil } from '../../../core/clock/until.ts';
import type { Child } from '../../../host/processes/process.os.ts';

// A server makes new keys with its clients every ten seconds, and waits five for the agent to agree: an agent's hour
// and minute, in short.

const ALICE = { username: 'alice', password: 'correct horse' };
const issuer = new AuthFileIssuer();
let lab: OpenvpnLab;

before(async () => {
  issuer.publish([ALICE]);
  const admission = { without: ['reneg-sec'], instead: ['reneg-sec 10', 'hand-window 5'], byCertificate: false };
  lab = await openOpenvpnLab({ clients: 1, admission });
});

after(async () => {
  for (const agent of agents) agent.adapter.stop();
  await lab.close();
});

function keysOf(client: Child): number {
  return client.output().split('Control Channel: TLSv1.3').length - 1;
}

async function keysAgain(client: Child): Promise<void> {
  const before = keysOf(client);
  await waitUntil('new keys are made', () => keysOf(client) > before || !client.running);
  assert.ok(client.running, client.output());
}

const agents: TestAgent[] = [];

async function started(): Promise<TestAgent> {
  const agent = new TestAgent(issuer, lab.socket());
  agents.push(agent);
  await agent.adapter.start();
  return agent;
}

test('a client that makes new keys while the agent is away keeps its session', async () => {
  const first = await started();
  const client = await lab.connected(0, ALICE.username, ALICE.password, { extra: ['--auth-nocache'] });
  for (let restart = 0; restart < 3; restart += 1) {
    const agent = restart === 0 ? first : await started();
    await waitUntil('the session is known', () => agent.live === 1);
    agent.adapter.stop();
    await keysAgain(client);
  }
  const last = await started();
  await waitUntil('the session is known', () => last.live === 1);
  const [session] = last.sessions.list();
  await keysAgain(client);
  await keysAgain(client);
  await lab.clients[0]?.run(['ping', '-q', '-c1', '-w20', lab.plan.service4]);
  assert.doesNotMatch(client.output(), /AUTH_FAILED|SIGUSR1/);
  assert.deepEqual(last.sessions.list(), [session], 'it never had to connect anew');
});
