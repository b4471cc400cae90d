// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { AuthFileIssuer } from '../../../../proof/labs/customers/issuer.os.ts';
import { endAll, TestAgent } from '../../../../proof/labs/openvpn/agent.ts';
import { type OpenvpnLab, openOpenvpnLab } from '../../../../proof/labs/openvpn/lab.os.ts';
import { waitUntil } from '../../../core/clock/until.ts';
import type { Child } from '../../../host/processes/process.os.ts';

// Clients that come again: by themselves, when they are told to, and to change keys.

const ALICE = { username: 'alice', password: 'correct horse' };
const BOB = { username: 'bob', password: 'battery staple', seats: 1 };
const issuer = new AuthFileIssuer();
let lab: OpenvpnLab;
let tcp: TestAgent;
let udp: TestAgent;

before(async () => {
  issuer.publish([ALICE, BOB]);
  lab = await openOpenvpnLab({ protocols: ['openvpn-udp', 'openvpn-tcp'] });
  tcp = new TestAgent(issuer, lab.socket('openvpn-tcp'), 'openvpn-tcp');
  udp = new TestAgent(issuer, lab.socket('openvpn-udp'), 'openvpn-udp');
  await tcp.adapter.start();
  await udp.adapter.start();
});

afterEach(() => lab.disconnectAll());

after(async () => {
  tcp.adapter.stop();
  udp.adapter.stop();
  await lab.close();
});

function times(client: Child, what: string): number {
  return client.output().split(what).length - 1;
}

test('a session that ends for no fault of its own comes back', async () => {
  const { used, sessions } = tcp;
  await lab.connected(0, ALICE.username, ALICE.password);
  const [first] = sessions.list();
  endAll(sessions, 'silent');
  await waitUntil('the client is back', () => sessions.list().length === 1 && used.length === 1);
  assert.notEqual(sessions.list()[0]?.session, first?.session);
  await lab.disconnectAll();
  await waitUntil('the session has ended', () => sessions.size === 0);
  used.length = 0;
});

test('a client that comes back before it was missed needs no second seat', async () => {
  const { used, sessions } = udp;
  const client = await lab.connected(0, BOB.username, BOB.password, { protocol: 'openvpn-udp' });
  const [first] = sessions.list();
  client.signal('SIGUSR1');
  await waitUntil(
    'the client is back',
    () => times(client, 'Initialization Sequence Completed') === 2 || !client.running,
  );
  assert.ok(client.running, client.output());
  assert.equal(sessions.list().length, 1);
  assert.notEqual(sessions.list()[0]?.session, first?.session);
  assert.equal(used.length, 1);
  endAll(sessions, 'revoked');
  await waitUntil('the client ends', () => !client.running);
  assert.match(client.output(), /Halt command was pushed by server \('These credentials are no longer valid'\)/);
});

test('a renegotiation passes while the customer exists and fails when not', async () => {
  const { used, sessions } = tcp;
  const extra = ['--reneg-sec', '2', '--auth-nocache'];
  const client = await lab.connected(0, ALICE.username, ALICE.password, { extra });
  await waitUntil('the keys are renegotiated', () => times(client, 'Control Channel: TLSv1.3') === 2);
  assert.equal(sessions.list().length, 1);
  await lab.clients[0]?.run(['ping', '-q', '-c1', '-W20', lab.plan.service4]);
  issuer.publish([BOB]);
  await waitUntil('the client ends', () => !client.running);
  assert.match(client.output(), /AUTH_FAILED/);
  await waitUntil('the session ends', () => used.length === 1);
});
