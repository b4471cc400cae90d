// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Clock } from '../../src/core/clock/clock.ts';
import { CommandError, run } from '../../src/host/processes/process.os.ts';
import { Progress, type Terminal } from '../../src/host/terminal/terminal.ts';

export interface Check {
  readonly title: string;
  readonly argv: readonly string[];
}

/** The quick check: what must hold before each commit. */
export const CHECKS: readonly Check[] = [
  { title: 'types (tsc)', argv: ['tsc'] },
  { title: 'lint (oxlint)', argv: ['oxlint', '--type-aware', 'src', 'proof', 'cmd', 'test'] },
  { title: 'format (biome)', argv: ['biome', 'check', '--error-on-warnings', '.'] },
  {
    title: 'architecture, sensitive room, claims',
    argv: [process.execPath, '--test', 'test/architecture.test.ts', 'test/sensitive.test.ts', 'test/privacy.test.ts'],
  },
];

/** Runs every check, also after one has failed, and prints what the failed ones said. Gives the exit code. */
export async function check(terminal: Terminal, clock: Clock, checks: readonly Check[] = CHECKS): Promise<number> {
  const progress = new Progress(terminal, clock);
  const failures: string[] = [];
  for (const { title, argv } of checks) {
    try {
      await progress.stage(title, () => run(argv));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      failures.push(error.output);
    }
  }
  for (const output of failures) terminal.write(`\n${output}`);
  return failures.length === 0 ? 0 : 1;
}
