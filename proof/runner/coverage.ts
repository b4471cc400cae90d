// SPDX-License-Identifier: AGPL-3.0-or-later
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import type { TestEvent } from 'node:test/reporters';

/** Coverage that every source file together must reach, in per cent. */
export const GATE = 95;

type Summary = Extract<TestEvent, { type: 'test:coverage' }>['data']['summary'];
type Covered = Summary['files'][number];

/**
 * What is judged, and the per cent that it must reach. What ships is judged apart, so that what proves cannot lift it; what
 * proves has a lower gate of its own, for it is full of ways to give up when a machine is not as it should be.
 */
const PARTS: readonly (readonly [title: string, gate: number, path: RegExp])[] = [
  ['what ships', GATE, /^(?:src|cmd)\//],
  ['what proves', 90, /^proof\//],
  ['all', GATE, /^(?:src|cmd|proof)\//],
];

/** Run by `./lethe bench image` alone: it boots a machine four times, and what it measures stands in its rows. */
const UNTESTED = ['proof/bench/image.bench.ts', 'proof/bench/image-*.os.ts'];

/** A directory for what the processes of all files cover; `NODE_V8_COVERAGE` of each of them. */
export function coverageDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-coverage-'));
  // Programs under test give up root. They write their coverage on the way out.
  chmodSync(directory, 0o1777);
  return directory;
}

/** Reads the reports in the directory, prints the table, and gives whether it reaches the gate. */
export async function judgeCoverage(directory: string, print: (text: string) => void): Promise<boolean> {
  let summary: Summary | undefined;
  process.env['LETHE_EARLIER_COVERAGE'] = directory;
  // Node reads the coverage of the files that it runs itself; this one hands it what is there already. Its types do not
  // know `coverageIncludeAll`: a source file that no test loads counts, as not covered.
  const options = {
    files: [join(import.meta.dirname, 'earlier-coverage.ts')],
    coverage: true,
    coverageIncludeAll: true,
    coverageIncludeGlobs: ['src/**/*.ts', 'cmd/**/*.ts', 'proof/**/*.ts'],
    coverageExcludeGlobs: ['**/*.test.ts', ...UNTESTED],
  };
  for await (const event of run(options) as AsyncIterable<TestEvent>) {
    if (event.type === 'test:coverage') summary = event.data.summary;
  }
  rmSync(directory, { recursive: true, force: true });
  if (summary === undefined) {
    print('FAILED  there is no coverage to judge\n');
    return false;
  }
  return table(summary, print);
}

type Kind = 'Line' | 'Branch' | 'Function';

/** Per cent of lines, branches and functions; 100 of nothing. */
function percents(files: readonly Covered[]): number[] {
  return (['Line', 'Branch', 'Function'] as const).map((kind: Kind) => {
    const covered = files.reduce((sum, file) => sum + file[`covered${kind}Count`], 0);
    const total = files.reduce((sum, file) => sum + file[`total${kind}Count`], 0);
    return total === 0 ? 100 : (100 * covered) / total;
  });
}

/** The files below the gate, then the parts, each of which is held to its own. A file that belongs to no part fails too. */
export function table({ files }: Pick<Summary, 'files'>, print: (text: string) => void): boolean {
  const row = (name: string, figures: readonly number[]) =>
    `${figures.map((value) => value.toFixed(1).padStart(6)).join('  ')}  ${name}\n`;
  const pathOf = ({ path }: Covered) => relative(process.cwd(), path);
  print('\nCoverage in per cent\n lines  branch  funct.\n');
  for (const file of files) {
    if (Math.min(...percents([file])) < GATE) print(row(pathOf(file), percents([file])));
  }
  const parts = PARTS.map(([title, gate, path]) => {
    const own = files.filter((file) => path.test(pathOf(file)));
    return { title, gate, own };
  });
  for (const { title, own } of parts) print(row(`${title}, ${own.length} files`, percents(own)));
  const stray = files.length - (parts.at(-1)?.own.length ?? 0);
  const low = parts.filter(({ gate, own }) => own.length === 0 || Math.min(...percents(own)) < gate);
  for (const { title, gate } of low) print(`FAILED  coverage of ${title} is below ${gate} %\n`);
  if (stray > 0) print(`FAILED  ${stray} files belong to no part\n`);
  return low.length === 0 && stray === 0;
}
