// SPDX-License-Identifier: AGPL-3.0-or-later
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GATE } from './reporter.ts';

/**
 * Runs all tests, or those of the files named, in processes of their own: first what needs no virtual machine, two files
 * at a time; then, one file at a time, what does.
 */
const only = process.argv.slice(2);
const files =
  only.length === 0
    ? globSync(['src/**/*.test.ts', 'proof/**/*.test.ts', 'cmd/**/*.test.ts', 'test/**/*.test.ts']).toSorted()
    : only;
const [machines, others] = [files.filter(needsMachine), files.filter((file) => !needsMachine(file))];

function needsMachine(file: string): boolean {
  return file.endsWith('.vm.test.ts');
}

const gate = [
  '--experimental-test-coverage',
  '--test-coverage-include-all',
  '--test-coverage-include=src/**/*.ts',
  '--test-coverage-include=proof/**/*.ts',
  '--test-coverage-include=cmd/**/*.ts',
  '--test-coverage-exclude=**/*.test.ts',
  `--test-coverage-lines=${GATE}`,
  `--test-coverage-branches=${GATE}`,
  `--test-coverage-functions=${GATE}`,
];

interface Phase {
  readonly title: string;
  readonly files: readonly string[];
  readonly concurrency: number;
  /** Limit of one test. */
  readonly minutes: number;
  readonly arguments: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/** Whether every test passed. */
function runs(phase: Phase): boolean {
  if (phase.files.length === 0) return true;
  const { status } = spawnSync(
    process.execPath,
    [
      '--test',
      `--test-concurrency=${phase.concurrency}`,
      `--test-timeout=${phase.minutes * 60_000}`,
      '--test-reporter=./test/reporter.ts',
      '--test-reporter-destination=stdout',
      '--import=./test/setup.ts',
      ...phase.arguments,
      ...phase.files,
    ],
    { stdio: 'inherit', env: { ...process.env, LETHE_TEST_PHASE: phase.title, ...phase.env } },
  );
  return status === 0;
}

/** The last phase judges the coverage of all: setup.ts gives it what the first phase has left in the directory. */
const whole = only.length === 0;
const earlier = whole ? mkdtempSync(join(tmpdir(), 'lethe-coverage-')) : '';
const first = runs({
  title: '',
  files: others,
  concurrency: 2,
  minutes: 10,
  arguments: [],
  env: whole ? { NODE_V8_COVERAGE: earlier } : {},
});
const second = runs({
  title: 'in virtual machines',
  files: machines,
  concurrency: 1,
  minutes: 60,
  arguments: whole ? gate : [],
  env: whole ? { LETHE_EARLIER_COVERAGE: earlier } : {},
});
if (whole) rmSync(earlier, { recursive: true, force: true });
process.exitCode = first && second ? 0 : 1;
