// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Clock } from '../../src/core/clock/clock.ts';
import { CommandError, run } from '../../src/host/processes/process.os.ts';
import { Progress, type Terminal } from '../../src/host/terminal/terminal.ts';

export interface Check {
  readonly title: string;
  readonly argv: readonly string[];
}

/**
 * The quick check: what must hold before each commit. `.jscpd.json` passes over nologging.ts wherever it stands: a judge
 * shares no code with what renders the configuration it judges, so both name the same settings with the same values.
 */
export const CHECKS: readonly Check[] = [
  { title: 'types (tsc)', argv: ['tsc', '--incremental', '--tsBuildInfoFile', '.lethe/types.tsbuildinfo'] },
  { title: 'lint (oxlint)', argv: ['oxlint', '--type-aware', 'src', 'proof', 'cmd', 'test'] },
  { title: 'format (biome)', argv: ['biome', 'check', '--error-on-warnings', '.'] },
  { title: 'copies (jscpd)', argv: ['node_modules/jscpd-linux-x64-gnu/bin/jscpd', '--no-colors', '--no-tips'] },
  {
    title: 'architecture, judges, sensitive rooms, claims, texts, API',
    argv: [
      process.execPath,
      '--test',
      'test/architecture.test.ts',
      'test/judges.test.ts',
      'test/sensitive.test.ts',
      'test/privacy.test.ts',
      'proof/lint/texts.test.ts',
      'proof/lint/openapi.test.ts',
    ],
  },
];

/** Runs the checks side by side, all of them, and prints what the failed ones said. Gives the exit code. */
export async function check(terminal: Terminal, clock: Clock, checks: readonly Check[] = CHECKS): Promise<number> {
  const progress = new Progress(terminal, clock);
  const outcomes = await Promise.all(checks.map((one) => outcome(one, progress)));
  const failures = outcomes.filter((output) => output !== undefined);
  for (const output of failures) terminal.write(`\n${output}`);
  return failures.length === 0 ? 0 : 1;
}

/** What a check said when it failed; undefined when it did not. */
async function outcome({ title, argv }: Check, progress: Progress): Promise<string | undefined> {
  try {
    await progress.stage(title, () => run(argv));
    return undefined;
  } catch (error) {
    if (error instanceof CommandError) return error.output;
    throw error;
  }
}
