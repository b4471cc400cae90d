// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OpenvpnProtocol } from '../../src/contracts/plan/openvpn/server.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import { place } from '../../src/host/namespaces/place.os.ts';
import { type Child, spawnChild } from '../../src/host/processes/process.os.ts';
import { AuthFileIssuer } from '../labs/customers/issuer.os.ts';
import { type Admission, type OpenvpnLab, openOpenvpnLab } from '../labs/openvpn/lab.os.ts';

const AGENT = fileURLToPath(new URL('../labs/openvpn/agent.main.ts', import.meta.url));
const CUSTOMER = { username: 'customer', password: 'password', seats: 255 };
/** Clock ticks in a second of proc_pid_stat(5), on every Linux. */
const TICKS = 100;

/** The same OpenVPN server with one way to decide who may come in. */
export interface OpenvpnSide {
  readonly lab: OpenvpnLab;
  /** CPU seconds that the server, its programs and its agent have used so far. */
  cpuSeconds(): number;
  close(): Promise<void>;
}

/** A server with the agent, which can be sent away and called back while clients stay connected. */
export interface AgentSide extends OpenvpnSide {
  attend(): Promise<void>;
  leave(): Promise<void>;
}

/** The agent is a process of its own, and attends from the start. */
export async function agentSide(protocol: OpenvpnProtocol): Promise<AgentSide> {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-bench-'));
  const lab = await openOpenvpnLab({ protocols: [protocol] });
  const issuer = new AuthFileIssuer();
  const files = issuer.write(directory, issuer.seal([CUSTOMER]));
  let agent: Child | undefined;
  const attend = async () => {
    const child = spawnChild(['node', AGENT, lab.socket(protocol), ...files]);
    await waitUntil('the agent is ready', () => child.output().includes('ready'));
    agent = child;
  };
  const leave = async () => {
    await agent?.stop();
    agent = undefined;
  };
  await attend();
  return {
    lab,
    attend,
    leave,
    cpuSeconds: () => cpuSecondsOf(lab.server(protocol)) + (agent === undefined ? 0 : cpuSecondsOf(agent)),
    async close() {
      await leave();
      await lab.close();
      rmSync(directory, { recursive: true });
    },
  };
}

const AGENT_LINES = ['management', 'management-client-auth', 'management-log-cache'];
const TOKEN_LINES = ['auth-gen-token', 'auth-gen-token-secret'];

const SCRIPT = `#!/bin/sh
{ read -r user; read -r password; } < "$1"
found=$(sqlite3 -readonly /run/login.db "SELECT 1 FROM login WHERE user = '$user' AND password = '$password'")
[ "$found" = 1 ]
`;
const TABLE = `CREATE TABLE login (user TEXT PRIMARY KEY, password TEXT) WITHOUT ROWID;
INSERT INTO login VALUES ('${CUSTOMER.username}', '${CUSTOMER.password}')`;

/** What gateways without an agent do: a shell script that asks a database, once for each login. */
const BY_SCRIPT: Admission = {
  without: [...AGENT_LINES, ...TOKEN_LINES, 'script-security'],
  instead: ['script-security 2', 'auth-user-pass-verify /run/login.sh via-file'],
  byCertificate: false,
  async prepare(gateway) {
    place(gateway, '/run/login.sh', SCRIPT, 0o755);
    await gateway.run(['sqlite3', '/run/login.db', TABLE]);
  },
};

export async function scriptSide(protocol: OpenvpnProtocol): Promise<OpenvpnSide> {
  return aloneIn(await openOpenvpnLab({ protocols: [protocol], admission: BY_SCRIPT }), protocol);
}

/** No agent is asked: the certificate is enough. */
const BY_CERTIFICATE: Admission = {
  without: [...AGENT_LINES, ...TOKEN_LINES, 'verify-client-cert', 'username-as-common-name'],
  instead: [],
  byCertificate: true,
};

export async function nobodySide(protocol: OpenvpnProtocol): Promise<OpenvpnSide> {
  return aloneIn(await openOpenvpnLab({ protocols: [protocol], admission: BY_CERTIFICATE }), protocol);
}

function aloneIn(lab: OpenvpnLab, protocol: OpenvpnProtocol): OpenvpnSide {
  return { lab, cpuSeconds: () => cpuSecondsOf(lab.server(protocol)), close: () => lab.close() };
}

/** So many clients connect, a few at a time, and leave. Throws unless each gets in. */
export async function logins({ lab }: OpenvpnSide, protocol: OpenvpnProtocol, count: number): Promise<void> {
  const extra = ['--dev', 'null', '--ifconfig-noexec', '--route-noexec', '--connect-retry', '1'];
  const one = async () => {
    const client = await lab.connected(0, CUSTOMER.username, CUSTOMER.password, { protocol, extra });
    await client.stop();
  };
  for (let done = 0; done < count; done += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - done) }, one));
  }
}

const AT_ONCE = 5;

/** Connects the client that receives, and starts the other end in the gateway. */
export async function prepareTransfer({ lab }: OpenvpnSide, protocol: OpenvpnProtocol): Promise<void> {
  await lab.connected(0, CUSTOMER.username, CUSTOMER.password, { protocol });
  const server = await lab.gateway.spawn(['iperf3', '--server', '--forceflush']);
  await waitUntil('iperf3 listens', () => server.output().includes('Server listening'));
}

/** The client receives through the tunnel for about a second. */
export async function transfer({ lab }: OpenvpnSide): Promise<{ megabits: number; seconds: number }> {
  const argv = ['iperf3', '--client', lab.plan.service4, '--time', '1', '--reverse', '--json'];
  const output = await (lab.clients[0] as OpenvpnLab['gateway']).run(argv);
  const { end } = JSON.parse(output) as { end: { sum_received: { bytes: number; seconds: number } } };
  return { megabits: (8 * end.sum_received.bytes) / 1e6, seconds: end.sum_received.seconds };
}

/** Its own time to the nanosecond, and that of its finished children to the tick. */
export function cpuSecondsOf({ pid }: Pick<Child, 'pid'>): number {
  const own = readdirSync(`/proc/${pid}/task`).map((task) =>
    readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8'),
  );
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [childrenUser = 0, childrenSystem = 0] = fields.slice(13, 15).map(Number);
  const nanoseconds = own.reduce((sum, text) => sum + Number(text.split(' ')[0]), 0);
  return nanoseconds / 1e9 + (childrenUser + childrenSystem) / TICKS;
}
