// SPDX-License-Identifier: AGPL-3.0-or-later
import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../../src/core/clock/until.ts';
import type { Namespace } from '../../src/host/namespaces/namespace.os.ts';
import type { Child } from '../../src/host/processes/process.os.ts';
import { type Ikev2Lab, openIkev2Lab } from '../labs/ikev2/lab.os.ts';
import { type BenchContext, type Benchmark, interleave, type Row, rowOf } from './bench.ts';
import { cpuSecondsOf } from './openvpn-sides.os.ts';

const CUSTOMER = { username: 'customer', password: 'password' };
/** Slices of a second in turn: the mood of a busy machine changes faster than rounds of other benchmarks last. */
const SLICES = 5;
/** Milliseconds. */
const SETTLING = 300;

/** What the agent costs those who are connected: one customer of one charon, with the agent attending and without. */
export const benchmark: Benchmark = {
  about: 'IKEv2 throughput (libipsec) with the agent and with charon alone',
  run: async (context) => {
    const lab = await openIkev2Lab({ customers: [CUSTOMER], pace: 'calm' });
    try {
      return await measure(context, lab);
    } finally {
      await lab.close();
    }
  },
};

async function measure(context: BenchContext, lab: Ikev2Lab): Promise<Row[]> {
  const charon = await lab.startCharon();
  await lab.startAgent();
  await lab.startClient(0, CUSTOMER.username, CUSTOMER.password);
  await lab.connect(0);
  const server = await lab.gateway.spawn(['iperf3', '--server', '--forceflush']);
  await waitUntil('iperf3 listens', () => server.output().includes('Server listening'));
  await lab.agent?.stop();

  const perCpuSecond = { attended: [] as number[], alone: [] as number[] };
  const slice = async (name: keyof typeof perCpuSecond) => {
    const agent = name === 'attended' ? await lab.startAgent() : undefined;
    // A program that has just started still compiles.
    await delay(SETTLING);
    const both = agent === undefined ? [charon] : [charon, agent];
    const before = cpuOf(both);
    const { megabits, seconds } = await transfer(lab);
    perCpuSecond[name].push(megabits / (cpuOf(both) - before));
    await agent?.stop();
    return megabits / seconds;
  };
  const rounds = context.size === 'full' ? context.rounds * SLICES : 1;
  const perSecond = await interleave(
    { ...context, rounds },
    { attended: () => slice('attended'), alone: () => slice('alone') },
  );
  const row = (name: string, unit: string, samples: readonly number[], alone: readonly number[]) =>
    rowOf({ name, unit, samples, peer: { name: 'charon alone', samples: alone, goal: { atLeast: 0.99 } } });
  return [
    row('ikev2, down', 'Mbit/s', perSecond.attended, perSecond.alone),
    row('ikev2, down, daemon and agent', 'Mbit/CPU s', perCpuSecond.attended.slice(1), perCpuSecond.alone.slice(1)),
  ];
}

function cpuOf(children: readonly Child[]): number {
  return children.reduce((sum, child) => sum + cpuSecondsOf(child), 0);
}

/** The client receives through the tunnel for about a second. */
async function transfer(lab: Ikev2Lab): Promise<{ megabits: number; seconds: number }> {
  const argv = ['iperf3', '--client', lab.plan.service4, '--time', '1', '--reverse', '--json'];
  const output = await (lab.clients[0] as Namespace).run(argv);
  const { end } = JSON.parse(output) as { end: { sum_received: { bytes: number; seconds: number } } };
  return { megabits: (8 * end.sum_received.bytes) / 1e6, seconds: end.sum_received.seconds };
}
