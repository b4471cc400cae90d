// SPDX-License-Identifier: AGPL-3.0-or-later
// What it takes to add a protocol: an object like MESH, in two halves (src/contracts/plan for what control knows too,
// src/gateway/tunnels for the rest), a line in each list (protocols.ts beside them), its word in usage events and its part
// of the plan. The compiler asks for all of these; everything below follows from them.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { planGateway } from '../src/contracts/plan/plan.ts';
import { renderGateway } from '../src/contracts/plan/render.ts';
import { systemClock } from '../src/core/clock/clock.ts';
import { type Judge, judgeFiles } from '../src/core/configuration/judge.ts';
import { RecordingJournal } from '../src/core/journal/journal.ts';
import { systemRandom } from '../src/core/random/random.ts';
import { PROTOCOLS, type SessionId } from '../src/core/sessions/session.ts';
import { GATEWAY_JUDGES, gatewayJudges, judgeGateway } from '../src/gateway/agent/judges.ts';
import { innerAddressesOf, loadTunnels } from '../src/gateway/agent/tunnels.ts';
import { CurrentAuthFile } from '../src/gateway/authfile/current.ts';
import { nowhere } from '../src/gateway/geoip/origin.ts';
import { LiveSessions } from '../src/gateway/sessions/live.ts';
import type { StartParts, TunnelProtocol } from '../src/gateway/tunnels/protocol.ts';
import { TUNNEL_PROTOCOLS } from '../src/gateway/tunnels/protocols.ts';
import type { Namespace } from '../src/host/namespaces/namespace.os.ts';
import type { Child } from '../src/host/processes/process.os.ts';
import { starters } from '../src/onebox/gateway.os.ts';
import { FLOW_MEMORY, machineRules } from '../src/onebox/publish.ts';

const MESH_JUDGE: Judge = {
  files: ['mesh.conf'],
  known: { mesh: 'directory', 'mesh/mesh.sock': 'socket' },
  findings: ({ name, content }) => {
    if (name !== 'mesh.conf') return undefined;
    return content.startsWith('quiet ') ? [] : [{ file: name, line: 1, problem: 'it is not told to be quiet' }];
  },
};

const SESSION = '00112233aabbccdd' as SessionId;
const CHILD = {} as Child;
const started: StartParts[] = [];

const MESH: TunnelProtocol = {
  name: 'mesh',
  program: 'meshd',
  user: 'charon',
  ports: ({ port }) => ({ udp: [port], tcp: [port + 1] }),
  render: ({ service4 }) => [{ name: 'mesh.conf', content: `quiet ${service4}\n` }],
  judge: MESH_JUDGE,
  async start(parts) {
    started.push(parts);
    return CHILD;
  },
  async adapter() {
    return ({ plan }) => ({
      async start() {},
      stop() {},
      sessionAt: () => (plan === PLAN ? SESSION : undefined),
    });
  },
};

const PROTOCOLS_AND_MESH = [...TUNNEL_PROTOCOLS, MESH];
const usual = planGateway({
  gateway: 'zrh-01',
  location: 'ch-zrh',
  name: 'zrh-01.example',
  address4: '192.0.2.1',
  address6: '2001:db8::1',
  uplink: 'eth0',
});
const mesh = { device: 'mesh0', port: 7001, pool4: '10.70.0.0/18', pool6: 'fd6c:6574:6865:7::/64' };
const PLAN = { ...usual, tunnels: { ...usual.tunnels, mesh } };

test('each word that a usage event may carry has its protocol, and each protocol its word', () => {
  assert.deepEqual(
    TUNNEL_PROTOCOLS.map(({ name }) => name),
    PROTOCOLS,
  );
});

test('its file is rendered, and the firewall lets its packets in, knows its pools and its device', () => {
  const files = renderGateway(PLAN, PROTOCOLS_AND_MESH);
  assert.deepEqual(files.at(-1), { name: 'mesh.conf', content: 'quiet 10.65.0.1\n' });
  assert.equal(files.length, renderGateway(usual).length + 1);
  const ruleset = files.find(({ name }) => name === 'firewall.nft')?.content ?? '';
  assert.match(ruleset, /fib daddr \. iif type local udp dport \{ 1194, 51820, 7001 \} accept/);
  assert.match(ruleset, /fib daddr \. iif type local tcp dport \{ 443, 7002 \} accept/);
  assert.match(ruleset, /iifname "mesh0" ip saddr != 10\.70\.0\.0\/18 drop/);
  assert.match(ruleset, /iifname "mesh0" goto inside/);
  assert.match(ruleset, /ip saddr \{ [^}]*10\.70\.0\.0\/18 \} meta l4proto \{ tcp, udp \} masquerade/);
  const resolver = files.find(({ name }) => name === 'unbound.conf')?.content ?? '';
  assert.match(resolver, /access-control: 10\.70\.0\.0\/18 allow/);
});

test('a plan without a part for it is an error, not a gateway without it', () => {
  assert.throws(() => renderGateway(usual, PROTOCOLS_AND_MESH), /^RangeError: the plan has no tunnel for mesh$/);
});

test('its judge is heard, and without the line its file is a finding', () => {
  const files = renderGateway(PLAN, PROTOCOLS_AND_MESH);
  const judges = gatewayJudges(PROTOCOLS_AND_MESH);
  assert.deepEqual(judgeFiles(files, judges), []);
  assert.deepEqual(
    judgeFiles(files, GATEWAY_JUDGES).map(({ file }) => file),
    ['mesh.conf'],
  );
  const placed = [...files, { name: 'agent.json', content: '{}' }].map(({ name, content }) => ({
    name,
    kind: 'file' as const,
    content: content.replace('quiet ', ''),
  }));
  const socket = [
    { name: 'mesh', kind: 'directory' },
    { name: 'mesh/mesh.sock', kind: 'socket' },
  ] as const;
  assert.deepEqual(judgeGateway([...placed, ...socket], judges), [
    { file: 'mesh.conf', line: 1, problem: 'it is not told to be quiet' },
  ]);
});

test('its ports are opened to the world', () => {
  const addresses = { controlAddress: '10.66.0.1', gatewayAddress: '10.66.0.10' };
  const asked = {
    cables: { name: 'lethe0', network: '10.66.0.0/24', ...addresses },
    controlPorts: [],
    forwarders: [],
    publication: { publicAddress: '198.51.100.1', plan: PLAN, web: false },
    router: false,
  };
  const rules = machineRules(asked, FLOW_MEMORY, PROTOCOLS_AND_MESH);
  assert.match(rules, /ip daddr 198\.51\.100\.1 udp dport \{ 1194, 500, 4500, 51820, 7001 \} dnat ip to 10\.66\.0\.10/);
  assert.match(rules, /ip daddr 198\.51\.100\.1 tcp dport \{ 443, 7002 \} dnat ip to 10\.66\.0\.10/);
  const without = machineRules(asked);
  assert.match(without, /udp dport \{ 1194, 500, 4500, 51820 \} dnat/);
  assert.match(without, /tcp dport \{ 443 \} dnat/);
});

test('the agent makes its adapter, and finds the sessions of its customers', async () => {
  const journal = new RecordingJournal();
  const deps = { clock: systemClock, random: systemRandom, journal };
  const parts = {
    ...deps,
    plan: PLAN,
    sessions: new LiveSessions({ ...deps, used: () => undefined }),
    auth: new CurrentAuthFile(generateKeyPairSync('ed25519').publicKey, journal),
    origin: nowhere,
    vacated: () => undefined,
  };
  const told = { radiusSecret: new Uint8Array(32), wireguardIdle: 1000 };
  const tunnels = (await loadTunnels(told, PROTOCOLS_AND_MESH))(parts);
  assert.equal(tunnels.length, 5);
  assert.equal(innerAddressesOf(tunnels).sessionAt(Uint8Array.of(10, 70, 0, 2), 0, 4), SESSION);
  assert.equal(
    innerAddressesOf((await loadTunnels(told))(parts)).sessionAt(Uint8Array.of(10, 70, 0, 2), 0, 4),
    undefined,
  );
});

test('its daemon is started between the resolver and the agent, as its own user, for the group of the agent', async () => {
  const user = (uid: number) => ({ uid, gid: uid + 1 });
  const users = {
    database: user(10),
    control: user(20),
    agent: user(30),
    resolver: user(40),
    openvpn: user(50),
    charon: user(60),
    activator: user(70),
  };
  const namespace = {} as Namespace;
  const programs = starters(
    { namespace, users, wipe: '/usr/lib/wipe.so', filter: undefined, flows: '/usr/lib/flows' },
    PROTOCOLS_AND_MESH,
  );
  assert.deepEqual(Object.keys(programs), [
    'unbound',
    'openvpn-udp',
    'openvpn-tcp',
    'charon',
    'wireguard-go',
    'meshd',
    'flows',
    'agent',
  ]);
  assert.equal(await programs['meshd']?.(), CHILD);
  assert.equal(started.length, 1);
  const env = { LD_PRELOAD: '/usr/lib/wipe.so' };
  assert.deepEqual(started[0]?.options, { user: user(60), agentGroup: 31, env, filter: undefined });
  assert.equal(started[0]?.directory, '/run/lethe');
});
