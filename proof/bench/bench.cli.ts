// SPDX-License-Identifier: AGPL-3.0-or-later
import { systemClock } from '../../src/core/clock/clock.ts';
import { systemRandom } from '../../src/core/random/random.ts';
import type { BenchContext, Benchmark, Row } from './bench.ts';
import { BENCHMARKS } from './registry.ts';
import { reportOf } from './report.ts';

export const USAGE = 2;

const FLAGS = new Set(['--json', '--tiny']);

/**
 * `bench [NAME] [--json] [--tiny]`: the table, or one JSON array of rows, goes to `output`; what is under way goes to `progress`.
 * Gives 0 when every goal is met, 1 when one is missed or a benchmark broke off, 2 for a name that is none.
 */
export async function main(
  argv: readonly string[],
  output: (text: string) => void,
  progress: (text: string) => void = (text) => void process.stderr.write(text),
  benchmarks = BENCHMARKS,
): Promise<number> {
  const names = argv.filter((argument) => !FLAGS.has(argument));
  const size = argv.includes('--tiny') ? 'tiny' : 'full';
  const unknown = names.find((name) => !Object.hasOwn(benchmarks, name));
  if (unknown !== undefined) {
    progress(`lethe bench: there is no benchmark of that name; there are: ${Object.keys(benchmarks).join(', ')}\n`);
    return USAGE;
  }
  const rows: Row[] = [];
  let brokeOff = false;
  for (const name of names.length === 0 ? Object.keys(benchmarks) : names) {
    const { benchmark } = await (benchmarks[name] as () => Promise<{ benchmark: Benchmark }>)();
    progress(`${name}: ${benchmark.about}\n`);
    try {
      rows.push(...(await benchmark.run(contextOf(size, (text) => progress(`  ${text}\n`)))));
    } catch (error) {
      brokeOff = true;
      progress(`  ${name} broke off: ${error instanceof Error ? error.message : 'unknown'}\n`);
    }
  }
  output(argv.includes('--json') ? `${JSON.stringify(rows, null, 2)}\n` : reportOf(rows));
  return brokeOff || rows.some((row) => row.met === false) ? 1 : 0;
}

export function contextOf(size: BenchContext['size'], say: (text: string) => void): BenchContext {
  return { clock: systemClock, random: systemRandom, size, rounds: size === 'full' ? 5 : 1, say };
}
