// SPDX-License-Identifier: AGPL-3.0-or-later
import { setTimeout as delay } from 'node:timers/promises';
import type { OpenvpnProtocol } from '../../src/contracts/plan/openvpn/server.ts';
import { type BenchContext, type Benchmark, interleave, type Row, rowOf } from './bench.ts';
import {
  agentSide,
  logins,
  nobodySide,
  type OpenvpnSide,
  prepareTransfer,
  scriptSide,
  transfer,
} from './openvpn-sides.os.ts';

/** What a login costs the gateway, and what the agent costs those who are connected. */
export const benchmark: Benchmark = {
  about: 'OpenVPN with the agent, with a login script, and asking nobody: CPU per login, and throughput',
  run: async (context) => [
    ...(await loginCost(context)),
    ...(await tunnelThroughput(context, 'openvpn-udp')),
    ...(await tunnelThroughput(context, 'openvpn-tcp')),
  ],
};

/** Over TCP, where a server notices at once that a client has left, so that no round meets clients of the last. */
async function loginCost(context: BenchContext): Promise<Row[]> {
  const protocol = 'openvpn-tcp';
  const count = context.size === 'full' ? 40 : 2;
  return await withSides({ agent: agentSide, script: scriptSide, nobody: nobodySide }, protocol, async (sides) => {
    const cost = async (side: OpenvpnSide) => {
      const before = side.cpuSeconds();
      await logins(side, protocol, count);
      return (1000 * (side.cpuSeconds() - before)) / count;
    };
    const samples = await interleave(context, {
      agent: () => cost(sides.agent),
      script: () => cost(sides.script),
      nobody: () => cost(sides.nobody),
    });
    const peer = { name: 'sh and sqlite3', samples: samples.script, goal: { atMost: 0.6 } };
    const limit = { name: 'asks nobody', samples: samples.nobody, goal: { atMost: 1.3 } };
    return [rowOf({ name: 'openvpn, one login', unit: 'CPU ms', samples: samples.agent, peer, limit })];
  });
}

/** A program that has just started is not yet what it is for the rest of the month. Milliseconds. */
const SETTLING = 500;
/** Slices of a second in turn: the mood of a busy machine changes faster than rounds of other benchmarks last. */
const SLICES = 5;

/**
 * One client of one daemon, with the agent attending and without: between two daemons, chance differs by more than the
 * agent could cost.
 */
async function tunnelThroughput(context: BenchContext, protocol: OpenvpnProtocol): Promise<Row[]> {
  return await withSides({ agent: agentSide }, protocol, async ({ agent: side }) => {
    await prepareTransfer(side, protocol);
    const perCpuSecond = { attended: [] as number[], alone: [] as number[] };
    const slice = async (name: keyof typeof perCpuSecond) => {
      await (name === 'attended' ? side.attend() : side.leave());
      await delay(SETTLING);
      const before = side.cpuSeconds();
      const { megabits, seconds } = await transfer(side);
      perCpuSecond[name].push(megabits / (side.cpuSeconds() - before));
      return megabits / seconds;
    };
    await side.leave();
    const rounds = context.size === 'full' ? context.rounds * SLICES : 1;
    const perSecond = await interleave(
      { ...context, rounds },
      { attended: () => slice('attended'), alone: () => slice('alone') },
    );
    const row = (name: string, unit: string, samples: readonly number[], alone: readonly number[]) =>
      rowOf({ name, unit, samples, peer: { name: 'the daemon alone', samples: alone, goal: { atLeast: 0.99 } } });
    return [
      row(`${protocol}, down`, 'Mbit/s', perSecond.attended, perSecond.alone),
      row(
        `${protocol}, down, daemon and agent`,
        'Mbit/CPU s',
        perCpuSecond.attended.slice(1),
        perCpuSecond.alone.slice(1),
      ),
    ];
  });
}

async function withSides<Side extends OpenvpnSide, Name extends string, T>(
  open: Readonly<Record<Name, (protocol: OpenvpnProtocol) => Promise<Side>>>,
  protocol: OpenvpnProtocol,
  measure: (sides: Readonly<Record<Name, Side>>) => Promise<T>,
): Promise<T> {
  await using opened = new AsyncDisposableStack();
  const sides = {} as Record<Name, Side>;
  for (const name of Object.keys(open) as Name[]) {
    const side = await open[name](protocol);
    opened.defer(() => side.close());
    sides[name] = side;
  }
  return await measure(sides);
}
