// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectWireguard, type StockClient, wireguardProfile } from '../../../../proof/labs/clients/client.os.ts';
import { AuthFileIssuer, entitlementOf } from '../../../../proof/labs/customers/issuer.os.ts';
import { LAB, type Lab, openLab } from '../../../../proof/labs/internet/lab.os.ts';
import { fetchPage, startInternet } from '../../../../proof/labs/internet/start.os.ts';
import type { PeerRecord } from '../../../contracts/authfile/seal.ts';
import { render as renderFirewall } from '../../../contracts/plan/firewall/render.ts';
import { GATEWAY_FILES, planGateway } from '../../../contracts/plan/plan.ts';
import { innerAddresses } from '../../../contracts/plan/pool.ts';
import { render } from '../../../contracts/plan/wireguard/render.ts';
import { type Clock, systemClock } from '../../../core/clock/clock.ts';
import { waitUntil } from '../../../core/clock/until.ts';
import { RecordingJournal } from '../../../core/journal/journal.ts';
import type { Entitlement } from '../../../core/licences/licence.ts';
import { systemRandom } from '../../../core/random/random.ts';
import type { UsageRecord } from '../../../core/sessions/session.ts';
import type { Namespace } from '../../../host/namespaces/namespace.os.ts';
import { place } from '../../../host/namespaces/place.os.ts';
import type { Child } from '../../../host/processes/process.os.ts';
import { LiveSessions } from '../../sessions/live.ts';
import { raiseFirewall } from '../firewall/start.os.ts';
import { WireGuardAdapter, type WireGuardParts } from './adapter.os.ts';
import { startWireGuard } from './start.os.ts';

const PLAN = planGateway({
  gateway: 'zrh-01',
  location: 'ch-zrh',
  name: 'zrh-01.example',
  address4: LAB.address4,
  address6: LAB.address6,
  uplink: LAB.uplink,
});
const TUNNEL = PLAN.tunnels.wireguard;
const DIRECTORY = '/run/lethe';
/** wireguard-go and the agent run as the same user: no other may use the daemon's socket. */
const AGENT = { uid: 961, gid: 961 };

interface Gateway {
  readonly lab: Lab;
  readonly issuer: AuthFileIssuer;
  readonly publicKey: string;
  daemon: Child;
}

/** A gateway with real wireguard-go behind the real firewall, and an auth file to fill. */
async function openGateway(): Promise<Gateway> {
  const lab = await openLab();
  for (const file of [...render(PLAN), ...renderFirewall(PLAN)])
    place(lab.gateway, `${DIRECTORY}/${file.name}`, file.content, 0o644);
  await raiseFirewall(lab.gateway, PLAN, DIRECTORY);
  const privateKey = await lab.gateway.run(['wg', 'genkey']);
  place(lab.gateway, GATEWAY_FILES.wireguardKey, privateKey);
  const publicKey = (await lab.gateway.run(['wg', 'pubkey'], { stdin: privateKey })).trim();
  const daemon = await startWireGuard(lab.gateway, DIRECTORY, { user: AGENT, env: { GOGC: '50' } });
  return { lab, issuer: new AuthFileIssuer(), publicKey, daemon };
}

interface Agent {
  readonly adapter: WireGuardAdapter;
  readonly sessions: LiveSessions;
  readonly usage: UsageRecord[];
  readonly journal: RecordingJournal;
}

async function startAgent(gateway: Gateway, more: Partial<WireGuardParts> = {}): Promise<Agent> {
  const usage: UsageRecord[] = [];
  const journal = new RecordingJournal();
  const clock: Clock = systemClock;
  const used = (record: UsageRecord) => usage.push(record);
  const sessions = new LiveSessions({ clock, random: systemRandom, journal, used });
  const origin = {
    of: (bytes: Uint8Array, start: number, length: number) => ({
      country: length === 4 && bytes[start] === 192 ? 'CH' : 'unknown',
      isp: 'Example Net',
    }),
  };
  const socket = `/proc/${gateway.lab.gateway.pid}/root${GATEWAY_FILES.wireguardSocket}`;
  const parts = { sessions, auth: gateway.issuer.auth, origin, journal, clock, socket, tunnel: TUNNEL };
  const adapter = new WireGuardAdapter({ ...parts, surveyEvery: 100, awayFor: 1500, ...more });
  await adapter.start();
  return { adapter, sessions, usage, journal };
}

interface Customer {
  readonly namespace: Namespace;
  readonly privateKey: string;
  readonly record: PeerRecord;
}

async function newCustomer(namespace: Namespace, host: number, owner: Entitlement): Promise<Customer> {
  const privateKey = (await namespace.run(['wg', 'genkey'])).trim();
  const publicKey = Buffer.from(await namespace.run(['wg', 'pubkey'], { stdin: privateKey }), 'base64');
  return { namespace, privateKey, record: { publicKey, host, entitlement: owner } };
}

async function connect(gateway: Gateway, { namespace, privateKey, record }: Customer): Promise<StockClient> {
  const [four, six] = innerAddresses(TUNNEL, record.host);
  return connectWireguard(
    { namespace, gateway: LAB.address4, device: 'eth0' },
    wireguardProfile(
      { privateKey, addresses: [`${four}/32`, `${six}/128`] },
      { publicKey: gateway.publicKey, endpoint: `${LAB.address4}:${TUNNEL.port}` },
    ),
  );
}

async function works(namespace: Namespace, argv: readonly string[]): Promise<boolean> {
  return await namespace.run(argv).then(
    () => true,
    () => false,
  );
}

async function endpoints(gateway: Gateway): Promise<string> {
  return await gateway.lab.gateway.run(['wg', 'show', 'wg0', 'endpoints']);
}

test('a stock client goes out by the gateway, and is forgotten when it falls idle', async () => {
  const gateway = await openGateway();
  const agent = await startAgent(gateway, { idleAfter: 2500 });
  try {
    const customer = await newCustomer(gateway.lab.clients[0], 2, entitlementOf(7));
    gateway.issuer.publish([], [customer.record]);
    const client = await connect(gateway, customer);
    await waitUntil('the page comes', async () => (await fetchPage(customer.namespace, LAB.web4)) === LAB.address4);
    assert.equal(await fetchPage(customer.namespace, LAB.web6), LAB.address6);
    await waitUntil('the session is live', () => agent.sessions.list().length === 1);
    const inner = Uint8Array.of(100, 64, 0, 2);
    assert.equal(agent.adapter.sessionAt(inner, 0, 4), agent.sessions.list()[0]?.session);
    assert.match(await endpoints(gateway), /192\.0\.2\.2:/);
    const tracked = await gateway.lab.gateway.run(['cat', '/proc/net/nf_conntrack']);
    assert.match(tracked, /dst=203\.0\.113\.80/);
    assert.doesNotMatch(tracked, /192\.0\.2\./, 'the address of the customer is not tracked');
    await client.disconnect();
    await waitUntil('the session is over', () => agent.usage.length === 1);
    assert.doesNotMatch(await endpoints(gateway), /192\.0\.2/);
    const [record] = agent.usage as [UsageRecord];
    assert.deepEqual(
      { ...record, totalBytes: 0 },
      {
        usageTag: entitlementOf(7).usageTag,
        origin: { country: 'CH', isp: 'Example Net' },
        protocol: 'wireguard',
        totalBytes: 0,
      },
    );
    assert.ok(record.totalBytes > 1000 && record.totalBytes < 100_000, String(record.totalBytes));
    assert.equal(agent.adapter.sessionAt(inner, 0, 4), undefined);
    assert.equal(agent.sessions.size, 0);
    await connect(gateway, customer);
    await waitUntil('it may come back', async () => (await fetchPage(customer.namespace, LAB.web4)) === LAB.address4);
    await waitUntil('the session is live', () => agent.sessions.list().length === 1);
  } finally {
    await agent.adapter.stop();
    await gateway.lab.close();
  }
});

test('a peer without a seat, and one that is ended, get no answer until their time away is over', async () => {
  const gateway = await openGateway();
  const agent = await startAgent(gateway);
  const page = async ({ namespace }: Customer) => await fetchPage(namespace, LAB.web4);
  try {
    const one = entitlementOf(9, { seats: 1 });
    const first = await newCustomer(gateway.lab.clients[0], 2, one);
    const second = await newCustomer(gateway.lab.clients[1], 3, one);
    gateway.issuer.publish([], [first.record, second.record]);
    await connect(gateway, first);
    await waitUntil('the first has its page', async () => (await page(first)) === LAB.address4);
    await waitUntil('the first has its seat', () => agent.sessions.list().length === 1);
    const client = await connect(gateway, second);
    await second.namespace.spawn(['ping', '-i', '0.2', LAB.web4]);
    await waitUntil('the second is sent away', async () => !(await peers(gateway)).includes(second.record.host));
    assert.equal(agent.sessions.list().length, 1);

    const beats = agent.sessions.list();
    agent.sessions.endThese(
      beats.map((beat) => beat.session),
      'seats',
    );
    await waitUntil('the first is ended', () => agent.usage.length === 1);
    await waitUntil('its peer is gone', async () => !(await peers(gateway)).includes(first.record.host));
    await client.disconnect();
    await connect(gateway, second);
    await waitUntil('the second gets the seat', () => agent.sessions.list().length === 1);
    assert.equal(await page(second), LAB.address4);
    assert.deepEqual(agent.journal.codes(), []);
  } finally {
    await agent.adapter.stop();
    await gateway.lab.close();
  }
});

test('sessions outlive the agent; the auth file and kill -9 of the daemon end them', async () => {
  const gateway = await openGateway();
  let agent = await startAgent(gateway);
  const page = async ({ namespace }: Customer) => await fetchPage(namespace, LAB.web4);
  try {
    const customers = [
      await newCustomer(gateway.lab.clients[0], 2, entitlementOf(21)),
      await newCustomer(gateway.lab.clients[1], 3, entitlementOf(22)),
    ] as const;
    const [stays, leaves] = customers;
    gateway.issuer.publish(
      [],
      customers.map(({ record }) => record),
    );
    const client = await connect(gateway, stays);
    await connect(gateway, leaves);
    for (const customer of customers)
      await waitUntil('the page comes', async () => (await page(customer)) === LAB.address4);
    await waitUntil('both are live', () => agent.sessions.list().length === 2);
    await startInternet(leaves.namespace);
    assert.equal(await fetchPage(stays.namespace, innerAddresses(TUNNEL, 3)[0]), undefined, 'another customer');
    assert.ok(await fetchPage(leaves.namespace, innerAddresses(TUNNEL, 3)[0]), 'who does serve');

    await agent.adapter.stop();
    assert.equal(agent.usage.length, 0);
    agent = await startAgent(gateway);
    assert.equal(agent.sessions.list().length, 2);
    assert.equal(await page(stays), LAB.address4);

    gateway.issuer.publish([], [stays.record]);
    await waitUntil('the other is gone from the daemon', async () => (await peers(gateway)).join() === '2');
    await waitUntil('its session is over', () => agent.usage.length === 1);
    assert.equal(agent.usage[0]?.usageTag, leaves.record.entitlement.usageTag);
    assert.equal(await page(leaves), undefined);

    gateway.daemon.signal('SIGKILL');
    await gateway.daemon.exited;
    await waitUntil('the last session is over', () => agent.usage.length === 2);
    gateway.daemon = await startWireGuard(gateway.lab.gateway, DIRECTORY, { user: AGENT });
    await waitUntil('the peer is back', async () => (await peers(gateway)).join() === '2');
    assert.deepEqual(agent.journal.codes(), ['daemon_lost', 'daemon_found']);
    await client.disconnect();
    await connect(gateway, stays);
    await waitUntil('the page comes again', async () => (await page(stays)) === LAB.address4);
  } finally {
    await agent.adapter.stop();
    await gateway.lab.close();
  }
});

test('the daemon listens to the agent alone, says nothing, and a start that fails says why', async () => {
  const gateway = await openGateway();
  const { lab, daemon } = gateway;
  const knock = `require('node:net').connect('${GATEWAY_FILES.wireguardSocket}').on('connect',()=>process.exit(0)).on('error',()=>process.exit(9))`;
  const as = (uid: number) => ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--'];
  try {
    assert.ok(await works(lab.gateway, [...as(AGENT.uid), process.execPath, '-e', knock]));
    assert.equal(await works(lab.gateway, [...as(999), process.execPath, '-e', knock]), false);
    assert.match(await lab.gateway.run(['ps', '-o', 'uid=', '-C', 'wireguard-go']), /^\s*961$/m);
    assert.doesNotMatch(daemon.output(), /DEBUG|ERROR|INFO/);
    place(lab.internet, `${DIRECTORY}/wireguard.env`, render(PLAN)[0]?.content.replace('=wg0', '=lo') as string);
    await assert.rejects(startWireGuard(lab.internet, DIRECTORY), /wireguard-go ended/);
  } finally {
    await lab.close();
  }
});

/** Hosts that the daemon knows. */
async function peers(gateway: Gateway): Promise<number[]> {
  const lines = (await gateway.lab.gateway.run(['wg', 'show', 'wg0', 'allowed-ips'])).trim().split('\n');
  return lines.flatMap(
    (line) =>
      line
        .match(/100\.64\.0\.(\d+)\/32/)
        ?.slice(1)
        .map(Number) ?? [],
  );
}
