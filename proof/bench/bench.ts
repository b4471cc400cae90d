// SPDX-License-Identifier: AGPL-3.0-or-later
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Clock } from '../../src/core/clock/clock.ts';
import type { Random } from '../../src/core/random/random.ts';

/** What a benchmark is given. */
export interface BenchContext {
  readonly clock: Clock;
  readonly random: Random;
  /** `tiny` runs every line in seconds and proves nothing but that it runs: tests use it. */
  readonly size: 'full' | 'tiny';
  /** Rounds that count, 5 or more at full size. One more is run first and dropped. */
  readonly rounds: number;
  /** Says what is being prepared or measured. */
  readonly say: (text: string) => void;
}

/** A file `NAME.bench.ts` exports one as `benchmark`, and registry.ts names it. */
export interface Benchmark {
  /** One line for people. */
  readonly about: string;
  /** Measures all sides in one run and asserts that they did the same work. Throws when they did not. */
  run(context: BenchContext): Promise<Row[]>;
}

/** What a value must be, as a multiple of the other side's. */
export type Bound = { readonly atLeast: number } | { readonly atMost: number };

/** One value per round, or one alone where there is nothing to repeat. */
export type Samples = readonly number[];

/** A side to compare with. */
export interface Side {
  readonly name: string;
  readonly samples: Samples;
  readonly goal?: Bound;
}

export interface Measurement {
  readonly name: string;
  readonly unit: string;
  readonly samples: Samples;
  /** What others use instead. */
  readonly peer?: Side;
  /** What cannot be surpassed. */
  readonly limit?: Side;
}

/** A line of the report, as `--json` prints it. Null is what was not measured. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  /** Median of the rounds. */
  readonly value: number;
  /** Greatest less smallest round, as a part of the median. */
  readonly spread: number;
  readonly peer: string | null;
  readonly peerValue: number | null;
  /** value / peerValue */
  readonly ratio: number | null;
  readonly limit: string | null;
  /** value / the limit's value */
  readonly limitRatio: number | null;
  readonly goal: string | null;
  readonly met: boolean | null;
}

export function median(samples: Samples): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] as number;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] as number) + high) / 2;
}

export function spreadOf(samples: Samples): number {
  return (Math.max(...samples) - Math.min(...samples)) / median(samples);
}

export function rowOf({ name, unit, samples, peer, limit }: Measurement): Row {
  const value = median(samples);
  const ratio = peer === undefined ? null : value / median(peer.samples);
  const limitRatio = limit === undefined ? null : value / median(limit.samples);
  const goals = [...judged('peer', ratio, peer?.goal), ...judged('limit', limitRatio, limit?.goal)];
  return {
    name,
    unit,
    value,
    spread: spreadOf(samples),
    peer: peer?.name ?? null,
    peerValue: peer === undefined ? null : median(peer.samples),
    ratio,
    limit: limit?.name ?? null,
    limitRatio,
    goal: goals.length === 0 ? null : goals.map((goal) => goal.text).join(', '),
    met: goals.length === 0 ? null : goals.every((goal) => goal.met),
  };
}

function judged(side: string, ratio: number | null, bound: Bound | undefined): { text: string; met: boolean }[] {
  if (ratio === null || bound === undefined) return [];
  return 'atLeast' in bound
    ? [{ text: `≥ ${bound.atLeast}x ${side}`, met: ratio >= bound.atLeast }]
    : [{ text: `≤ ${bound.atMost}x ${side}`, met: ratio <= bound.atMost }];
}

setFlagsFromString('--expose-gc');

/** Collects all garbage now, so that no measurement pays for what its preparation left. */
export const collectGarbage = runInNewContext('gc') as () => void;

/**
 * Runs each side once a round, in turn, so that a change of the machine's mood meets all of them. The first round warms
 * up and is dropped. A side gives its own measure of one round.
 */
export async function interleave<Name extends string>(
  context: BenchContext,
  sides: Sides<Name>,
): Promise<Record<Name, number[]>> {
  collectGarbage();
  await inTurn({ rounds: 1, say: () => context.say('warming up') }, sides);
  return await inTurn(context, sides);
}

export type Sides<Name extends string> = Readonly<Record<Name, () => number | Promise<number>>>;

/** The same without a round to warm up, for what takes a minute and comes out of fresh processes each time. */
export async function inTurn<Name extends string>(
  { rounds, say }: Pick<BenchContext, 'rounds' | 'say'>,
  sides: Sides<Name>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(sides) as Name[];
  const samples = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 1; round <= rounds; round += 1) {
    say(`round ${round} of ${rounds}`);
    for (const name of names) samples[name].push(await sides[name]());
  }
  return samples;
}

/** Seconds of CPU time that this process spends on something, collector and compiler included. */
export function cpuSeconds(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}
