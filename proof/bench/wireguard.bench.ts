// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { generateWireguardKeys } from '../../src/contracts/pki/keys.ts';
import { render as renderFirewall } from '../../src/contracts/plan/firewall/render.ts';
import { GATEWAY_FILES, planGateway } from '../../src/contracts/plan/plan.ts';
import { innerAddresses } from '../../src/contracts/plan/pool.ts';
import { render } from '../../src/contracts/plan/wireguard/render.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import { raiseFirewall } from '../../src/gateway/tunnels/firewall/start.os.ts';
import { startWireGuard } from '../../src/gateway/tunnels/wireguard/start.os.ts';
import { outside, place } from '../../src/host/namespaces/place.os.ts';
import { type Child, spawnChild } from '../../src/host/processes/process.os.ts';
import { connectWireguard, wireguardProfile } from '../labs/clients/client.os.ts';
import { AuthFileIssuer, entitlementOf } from '../labs/customers/issuer.os.ts';
import { LAB, type Lab, openLab } from '../labs/internet/lab.os.ts';
import { type BenchContext, type Benchmark, interleave, type Row, rowOf } from './bench.ts';
import { cpuSecondsOf } from './openvpn-sides.os.ts';

const AGENT = fileURLToPath(new URL('wireguard-agent.os.ts', import.meta.url));
const PLAN = planGateway({
  gateway: 'bench-01',
  location: 'xx-bench',
  name: 'bench-01.example',
  address4: LAB.address4,
  address6: LAB.address6,
  uplink: LAB.uplink,
});
const HOST = 2;
/** Slices of a second in turn, because the mood of a busy machine changes faster. */
const SLICES = 5;
/** Milliseconds: a program that has just started still compiles. */
const SETTLING = 500;

/** What the agent costs those who are connected: one customer of one daemon, with the agent attending and without. */
export const benchmark: Benchmark = {
  about: 'WireGuard throughput (wireguard-go) with the agent and with the daemon alone',
  run: async (context) => {
    using directory = mkdtempDisposableSync(join(tmpdir(), 'lethe-bench-'));
    const lab = await openLab();
    try {
      return await measure(context, lab, directory.path);
    } finally {
      await lab.close();
    }
  },
};

interface Side {
  readonly daemon: Child;
  readonly attend: () => Promise<Child>;
}

async function measure(context: BenchContext, lab: Lab, directory: string): Promise<Row[]> {
  const { daemon, attend } = await openSide(lab, directory);
  const perCpuSecond = { attended: [] as number[], alone: [] as number[] };
  const slice = async (name: keyof typeof perCpuSecond) => {
    const agent = name === 'attended' ? await attend() : undefined;
    await delay(SETTLING);
    const cpu = () => cpuSecondsOf(daemon) + (agent === undefined ? 0 : cpuSecondsOf(agent));
    const before = cpu();
    const { megabits, seconds } = await transfer(lab);
    perCpuSecond[name].push(megabits / (cpu() - before));
    await agent?.stop();
    return megabits / seconds;
  };
  const rounds = context.size === 'full' ? context.rounds * SLICES : 1;
  const sides = { attended: () => slice('attended'), alone: () => slice('alone') };
  const perSecond = await interleave({ ...context, rounds }, sides);
  const row = (name: string, unit: string, samples: readonly number[], alone: readonly number[]) =>
    rowOf({ name, unit, samples, peer: { name: 'daemon alone', samples: alone, goal: { atLeast: 0.99 } } });
  return [
    row('wireguard, down', 'Mbit/s', perSecond.attended, perSecond.alone),
    row('wireguard, down, daemon and agent', 'Mbit/CPU s', perCpuSecond.attended.slice(1), perCpuSecond.alone.slice(1)),
  ];
}

/** A gateway with its daemon and firewall, and a customer who is connected. The agent comes and goes. */
async function openSide(lab: Lab, directory: string): Promise<Side> {
  const [gatewayKeys, customerKeys] = [await generateWireguardKeys(), await generateWireguardKeys()];
  for (const { name, content } of [...render(PLAN), ...renderFirewall(PLAN)]) {
    place(lab.gateway, `${GATEWAY_FILES.directory}/${name}`, content);
  }
  place(lab.gateway, GATEWAY_FILES.wireguardKey, `${gatewayKeys.privateKey}\n`, 0o600);
  await raiseFirewall(lab.gateway, PLAN, GATEWAY_FILES.directory);
  const daemon = await startWireGuard(lab.gateway, GATEWAY_FILES.directory);
  const issuer = new AuthFileIssuer();
  const peer = { publicKey: Uint8Array.fromBase64(customerKeys.publicKey), host: HOST, entitlement: entitlementOf(1) };
  const files = issuer.write(directory, issuer.seal([], [peer]));
  const socket = outside(lab.gateway, GATEWAY_FILES.wireguardSocket);
  const attend = async (): Promise<Child> => {
    const agent = spawnChild([process.execPath, AGENT, socket, ...files]);
    await waitUntil('the agent is ready', () => agent.output().includes('ready'));
    return agent;
  };
  const first = await attend();
  const [four, six] = innerAddresses(PLAN.tunnels.wireguard, HOST);
  await connectWireguard(
    { namespace: lab.clients[0], gateway: LAB.address4, device: 'eth0' },
    wireguardProfile(
      { privateKey: customerKeys.privateKey, addresses: [`${four}/32`, `${six}/128`] },
      { publicKey: gatewayKeys.publicKey, endpoint: `${LAB.address4}:${PLAN.tunnels.wireguard.port}` },
    ),
  );
  const server = await lab.internet.spawn(['iperf3', '--server', '--forceflush']);
  await waitUntil('iperf3 listens', () => server.output().includes('Server listening'));
  await first.stop();
  return { daemon, attend };
}

/** The client receives through the tunnel for about a second. */
async function transfer(lab: Lab): Promise<{ megabits: number; seconds: number }> {
  const output = await lab.clients[0].run(['iperf3', '--client', LAB.web4, '--time', '1', '--reverse', '--json']);
  const { end } = JSON.parse(output) as { end: { sum_received: { bytes: number; seconds: number } } };
  return { megabits: (8 * end.sum_received.bytes) / 1e6, seconds: end.sum_received.seconds };
}
