// SPDX-License-Identifier: AGPL-3.0-or-later
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import type { TestEvent } from 'node:test/reporters';

/** Coverage that every source file together must reach, in per cent. */
export const GATE = 95;

type Summary = Extract<TestEvent, { type: 'test:coverage' }>['data']['summary'];
type Totals = Omit<Summary['totals'], 'totalLineCount'> | Summary['files'][number];

/** A directory for what the processes of all files cover; `NODE_V8_COVERAGE` of each of them. */
export function coverageDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-coverage-'));
  // Programs under test give up root. They write their coverage on the way out.
  chmodSync(directory, 0o1777);
  return directory;
}

/** Reads what lies in the directory, prints the table, and gives whether it reaches the gate. */
export async function judgeCoverage(directory: string, print: (text: string) => void): Promise<boolean> {
  let summary: Summary | undefined;
  process.env['LETHE_EARLIER_COVERAGE'] = directory;
  // Node reads the coverage of the files that it runs itself; this one hands it what is there already. Its types do not
  // know `coverageIncludeAll`: a source file that no test loads counts, as not covered.
  const options = {
    files: [join(import.meta.dirname, 'earlier-coverage.ts')],
    coverage: true,
    coverageIncludeAll: true,
    coverageIncludeGlobs: ['src/**/*.ts', 'cmd/**/*.ts'],
    coverageExcludeGlobs: ['**/*.test.ts'],
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

const columns = (totals: Totals) => [
  totals.coveredLinePercent,
  totals.coveredBranchPercent,
  totals.coveredFunctionPercent,
];

/** The files below the gate, and all together, which alone are held to it. */
export function table({ files, totals }: Pick<Summary, 'files' | 'totals'>, print: (text: string) => void): boolean {
  const row = (name: string, values: Totals) =>
    `${columns(values)
      .map((value) => value.toFixed(1).padStart(6))
      .join('  ')}  ${name}\n`;
  print('\nCoverage in per cent\n lines  branch  funct.\n');
  for (const file of files) {
    if (Math.min(...columns(file)) < GATE) print(row(relative(process.cwd(), file.path), file));
  }
  print(row(`all ${files.length} source files`, totals));
  const reached = Math.min(...columns(totals)) >= GATE;
  if (!reached) print(`FAILED  coverage is below ${GATE} %\n`);
  return reached;
}
