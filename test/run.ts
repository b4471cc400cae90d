// SPDX-License-Identifier: AGPL-3.0-or-later
import { spawnSync } from 'node:child_process';
import { GATE } from './reporter.ts';

/** Runs all tests, or those of the files named, in processes of their own and two at a time. */
const only = process.argv.slice(2);
const coverage = [
  '--experimental-test-coverage',
  '--test-coverage-include-all',
  '--test-coverage-include=src/**/*.ts',
  '--test-coverage-include=cmd/**/*.ts',
  '--test-coverage-exclude=**/*.test.ts',
  `--test-coverage-lines=${GATE}`,
  `--test-coverage-branches=${GATE}`,
  `--test-coverage-functions=${GATE}`,
];
const { status } = spawnSync(
  process.execPath,
  [
    '--test',
    '--test-concurrency=2',
    '--test-timeout=600000',
    '--test-reporter=./test/reporter.ts',
    '--test-reporter-destination=stdout',
    '--import=./test/setup.ts',
    ...(only.length === 0 ? [...coverage, 'src/**/*.test.ts', 'cmd/**/*.test.ts', 'test/**/*.test.ts'] : only),
  ],
  { stdio: 'inherit' },
);
process.exitCode = status ?? 1;
