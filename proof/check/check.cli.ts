// SPDX-License-Identifier: AGPL-3.0-or-later
import { join } from 'node:path';
import type { Clock } from '../../src/core/clock/clock.ts';
import { CommandError, run } from '../../src/host/processes/process.os.ts';
import { Progress, type Terminal } from '../../src/host/terminal/terminal.ts';
import { GoodVerdicts, onAll, onFile, type State, stateOf, type Verdict } from './verdicts.os.ts';

export interface Check {
  readonly title: string;
  /** Looks at everything. */
  readonly argv: readonly string[];
  /** Where each file is judged by itself and by what it imports, and by nothing else: those files, and what looks at some. */
  readonly each?: { readonly files: RegExp; readonly argv: readonly string[] };
}

/**
 * The quick check: what must hold before each commit. `.jscpd.json` passes over nologging.ts wherever it stands: a judge
 * shares no code with what renders the configuration it judges, so both name the same settings with the same values.
 */
export const CHECKS: readonly Check[] = [
  { title: 'types (tsc)', argv: ['tsc', '--incremental', '--tsBuildInfoFile', '.lethe/types.tsbuildinfo'] },
  {
    title: 'lint (oxlint)',
    argv: ['oxlint', '--type-aware', 'src', 'proof', 'cmd', 'test'],
    each: { files: /^(?:src|proof|cmd|test)\/.*\.[cm]?[jt]sx?$/, argv: ['oxlint', '--type-aware'] },
  },
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

/** What earlier checks found good; and how the checkout and the programs that judge it are now. */
export interface Memory {
  readonly good: GoodVerdicts;
  state(): State;
}

/** The memory of this checkout. Of Debian's programs, the check uses these. */
export async function memoryOf(root: string): Promise<Memory> {
  const packages = await run(['dpkg-query', '-W', 'hunspell', 'hunspell-en-gb']);
  const versions = `${process.version} ${process.arch}\n${packages}`;
  return { good: new GoodVerdicts(join(root, '.lethe/verdicts.json')), state: () => stateOf(root, versions) };
}

/**
 * Runs the checks side by side, all of them, and prints what the failed ones said. Gives the exit code. With a memory, nothing
 * is judged again that was found good as it is.
 */
export async function check(
  terminal: Terminal,
  clock: Clock,
  checks: readonly Check[] = CHECKS,
  memory?: Memory,
): Promise<number> {
  const progress = new Progress(terminal, clock);
  const before = memory?.state();
  const outcomes = await Promise.all(
    checks.map(async (one) => {
      const open = before && verdictsOf(one, before).filter((verdict) => !memory?.good.has(verdict));
      return { open, said: await outcome(one, open, progress) };
    }),
  );
  const failures = outcomes.flatMap(({ said }) => said ?? []);
  for (const output of failures) terminal.write(`\n${output}`);
  if (memory !== undefined) {
    // A file that was changed meanwhile was judged as it was before, or as it is now, and which is not known.
    const now = memory.state();
    const still = new Set(checks.flatMap((one) => verdictsOf(one, now)).map(textOf));
    const good = outcomes.flatMap(({ open, said }) => (said === undefined ? (open ?? []) : []));
    memory.good.keep(good.filter((verdict) => still.has(textOf(verdict))));
  }
  return failures.length === 0 ? 0 : 1;
}

function textOf({ name, digest }: Verdict): string {
  return `${name} ${digest}`;
}

function verdictsOf({ title, each }: Check, state: State): Verdict[] {
  if (each === undefined) return [onAll(state, title)];
  return [...state.tree.keys()].filter((file) => each.files.test(file)).map((file) => onFile(state, title, file));
}

/** What a check said when it failed; undefined when it did not. `open` is what is not known to be good. */
async function outcome(
  { title, argv, each }: Check,
  open: readonly Verdict[] | undefined,
  progress: Progress,
): Promise<string | undefined> {
  try {
    if (open?.length === 0) await progress.stage(`${title}: nothing new`, async () => undefined);
    else {
      const files = (open ?? []).flatMap(({ file }) => file ?? []);
      await progress.stage(title, () =>
        run(each === undefined || files.length === 0 ? argv : [...each.argv, ...files]),
      );
    }
    return undefined;
  } catch (error) {
    if (error instanceof CommandError) return error.output;
    throw error;
  }
}
