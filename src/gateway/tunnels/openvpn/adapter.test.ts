// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { AuthFileIssuer } from '../../../../proof/labs/customers/issuer.os.ts';
import { endAll, TestAgent } from '../../../../proof/labs/openvpn/agent.ts';
import { openOpenvpnLab } from '../../../../proof/labs/openvpn/lab.os.ts';
import { waitUntil } from '../../../core/clock/until.ts';

// What a real daemon does not do on demand: junk, and answers at chosen moments. A socket of ours stands in for it.

const ALICE = { username: 'alice', password: 'secret', seats: 2 };
let directory: string;
let daemon: Server;
let connections: Socket[];
let commands: string[];
let issuer: AuthFileIssuer;
let agent: TestAgent;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lethe-adapter-'));
  connections = [];
  commands = [];
  daemon = createServer((socket) => {
    connections.push(socket);
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (text: string) => commands.push(...text.split('\n').filter(Boolean)));
  });
  await new Promise<void>((resolve) => daemon.listen(join(directory, 'socket'), resolve));
  issuer = new AuthFileIssuer();
  issuer.publish([ALICE]);
  agent = new TestAgent(issuer, join(directory, 'socket'));
  await agent.adapter.start();
  await connected(1);
});

afterEach(() => {
  agent.adapter.stop();
  for (const connection of connections) connection.destroy();
  daemon.close();
  rmSync(directory, { recursive: true });
});

async function connected(times: number): Promise<void> {
  await waitUntil('the list is asked for', () => commands.filter((command) => command === 'status 3').length === times);
}

function say(...lines: string[]): void {
  connections.at(-1)?.write(`${lines.join('\r\n')}\r\n`);
}

function login(cid: number, kid: number, password = ALICE.password, kind = 'CONNECT'): void {
  const variables = [`username=${ALICE.username}`, `password=${password}`, 'untrusted_ip=203.0.113.7', 'END'];
  say(`>CLIENT:${kind},${cid},${kid}`, ...variables.map((variable) => `>CLIENT:ENV,${variable}`));
}

function row(cid: number, bytes: number): string {
  const columns = ['alice', '203.0.113.7:5000', '10.64.64.2', '', bytes, 0, 'when', 1, 'alice', cid, 0, 'AES-256-GCM'];
  return `CLIENT_LIST\t${columns.join('\t')}`;
}

async function commanded(command: string): Promise<void> {
  await waitUntil(`${command} is asked`, () => commands.includes(command));
}

test('junk ends the connection, and no session', async () => {
  say('SUCCESS: pid=7', 'END');
  login(1, 1);
  login(2, 1);
  await commanded('client-auth-nt 1 1');
  await commanded('client-auth-nt 2 1');
  say('>CLIENT:ESTABLISHED,1', '>CLIENT:ESTABLISHED,2', '>BYTECOUNT_CLI:2,1000,1000');
  say('x'.repeat(10_000_000));
  await connected(2);
  assert.deepEqual(agent.journal.events, [{ code: 'daemon_spoke_junk', daemon: 'openvpn-tcp' }]);
  assert.equal(agent.live, 2);
  say('SUCCESS: pid=7', row(1, 5000), 'END');
  await waitUntil('the client that is not listed has ended', () => agent.live === 1);
  assert.equal(agent.used[0]?.totalBytes, 2000);
  say('>CLIENT:DISCONNECT,1', '>CLIENT:ENV,END');
  await waitUntil('the other has ended', () => agent.live === 0);
  assert.equal(agent.used[1]?.totalBytes, 5000);
});

test('once a client has left, the daemon is kept awake until it has forgotten its addresses', async () => {
  login(1, 1);
  await commanded('client-auth-nt 1 1');
  assert.ok(!commands.includes('hold'));
  say('>CLIENT:DISCONNECT,1', '>CLIENT:ENV,END');
  await commanded('hold');
  say('SUCCESS: hold=0');
  await waitUntil('it is asked again', () => commands.filter((command) => command === 'hold').length === 2);
  assert.deepEqual(agent.journal.events, []);
});

test('clients of a daemon that was replaced meanwhile have ended', async () => {
  say('SUCCESS: pid=7', 'END');
  login(1, 1);
  await commanded('client-auth-nt 1 1');
  say('>CLIENT:ESTABLISHED,1', '>BYTECOUNT_CLI:1,300,400', '>BYTECOUNT_CLI:?');
  await connected(2);
  assert.equal(agent.live, 1);
  say('SUCCESS: pid=8', row(1, 10), 'END');
  await waitUntil('one has ended and one begun', () => agent.used.length === 1 && agent.live === 1);
  assert.equal(agent.used[0]?.totalBytes, 700);
});

test('three hundred clients at once are each answered', async () => {
  issuer.publish([{ ...ALICE, seats: 250 }]);
  for (let cid = 0; cid < 300; cid += 1) login(cid, 1);
  const answers = (kind: string) => commands.filter((command) => command.startsWith(kind));
  await waitUntil(
    'every question is answered',
    () => answers('client-auth-nt').length + answers('client-deny').length === 300,
  );
  assert.equal(agent.live, 250);
  assert.equal(new Set(answers('client-auth-nt')).size, 250);
  assert.match(answers('client-deny')[0] ?? '', /"All 250 seats are in use"$/);
});

test('a renegotiation is refused once the licence has expired', async () => {
  login(1, 1);
  await commanded('client-auth-nt 1 1');
  issuer.publish([{ ...ALICE, validFor: -1 }]);
  login(1, 2, ALICE.password, 'REAUTH');
  await commanded('client-deny 1 2 "expired" "The licence has expired"');
});

test('the reasons that end a session for good', async () => {
  for (const [cid, reason, shown] of [
    [1, 'seats', 'All 2 seats are in use'],
    [2, 'expired', 'The licence has expired'],
    [3, 'revoked', 'These credentials are no longer valid'],
  ] as const) {
    login(cid, 1);
    await commanded(`client-auth-nt ${cid} 1`);
    endAll(agent.sessions, reason);
    await commanded(`client-kill ${cid} "HALT,${shown}"`);
  }
});

test('clients that are not ours to know are passed over', async () => {
  say('>CLIENT:ESTABLISHED,9', '>CLIENT:ADDRESS,9,10.64.64.9,1', '>BYTECOUNT_CLI:9,1,1');
  say('>CLIENT:DISCONNECT,9', '>CLIENT:ENV,END');
  login(1, 1);
  await commanded('client-auth-nt 1 1');
  say('>CLIENT:ADDRESS,1,10.64.64.9,1');
  login(2, 1);
  await commanded('client-auth-nt 2 1');
  const address = Uint8Array.of(10, 64, 64, 9);
  say('>CLIENT:ADDRESS,2,10.64.64.9,1', '>CLIENT:DISCONNECT,1', '>CLIENT:ENV,END');
  await waitUntil('the first has ended', () => agent.live === 1);
  assert.equal(agent.adapter.sessionAt(address, 0, 4), agent.sessions.list()[0]?.session);
});

test('an end that finds no daemon is told when it is back', async () => {
  say('SUCCESS: pid=7', 'END');
  login(1, 1);
  await commanded('client-auth-nt 1 1');
  say('>CLIENT:ESTABLISHED,1', 'x'.repeat(20_000));
  await waitUntil('the junk is noticed', () => agent.journal.codes().includes('daemon_spoke_junk'));
  endAll(agent.sessions, 'revoked');
  await connected(2);
  assert.equal(
    commands.some((command) => command.startsWith('client-kill')),
    false,
  );
  say('SUCCESS: pid=7', row(1, 10), 'END');
  await commanded('client-kill 1 "HALT,These credentials are no longer valid"');
});

test('a lab that cannot be built leaves nothing', async () => {
  await assert.rejects(openOpenvpnLab({ addresses: ['nowhere'] }), /ip ended with/);
});
