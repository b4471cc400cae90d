// SPDX-License-Identifier: AGPL-3.0-or-later
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseOperator } from '../../contracts/activation/operator.ts';
import { printPcrs } from '../../contracts/release/publication.ts';
import { builderEntry } from '../../contracts/release/statement.ts';
import { EXIT, type ExitCode } from '../../host/terminal/exit.ts';
import { Progress, table } from '../../host/terminal/terminal.ts';
import { buildImage } from '../build/build.os.ts';
import { makeIso } from '../build/iso.os.ts';
import { machineSources } from '../build/lock.os.ts';
import { REPOSITORY } from '../build/recipe.os.ts';
import { builderKey, OPERATOR_FILE, readBuilders, readRecord, STATEMENT_FILE, writeStatement } from './builders.os.ts';
import { readKeyring } from './ceremony.os.ts';
import { compareBuilds, type Difference, diffoscope } from './compare.os.ts';
import { ReleaseRefused } from './refusal.ts';
import { signRelease } from './sign.os.ts';
import { pinOf, type ReleaseDeps, type TokenFlags, told, withToken } from './token.cli.ts';
import { predictedPcrs, program, type Step, verifyRelease } from './verify.os.ts';

export async function builder(name: string, flags: { builderKey?: string }, deps: ReleaseDeps): Promise<ExitCode> {
  return await told(deps, async () => {
    const key = builderKey(flags.builderKey ?? defaultBuilderKey(name));
    deps.stdout.write(`${JSON.stringify(builderEntry(name, key))}\n`);
  });
}

export interface StateFlags {
  readonly out: string;
  readonly builder?: string;
  readonly builderKey?: string;
}

/** Signs a build directory as the work of the builder, if one is named. */
export async function state(flags: StateFlags, deps: ReleaseDeps): Promise<ExitCode> {
  const { out, builder: name } = flags;
  if (name === undefined) return EXIT.done;
  return await told(deps, async () => {
    await writeStatement(out, name, builderKey(flags.builderKey ?? defaultBuilderKey(name)));
    deps.stdout.write(`\n${join(out, STATEMENT_FILE)}, signed by ${name}\n`);
  });
}

/** The path of a builder's key unless told otherwise. */
export function defaultBuilderKey(name: string): string {
  return join(REPOSITORY, '.lethe/image/builders', `${name}.key`);
}

export interface CompareFlags {
  readonly builders: string;
  readonly diffoscope?: boolean;
  readonly json?: boolean;
}

export async function compare(a: string, b: string, flags: CompareFlags, deps: ReleaseDeps): Promise<ExitCode> {
  return await told(deps, async () => {
    const { builders, differences } = await compareBuilds(a, b, readBuilders(flags.builders));
    const names = builders.map((believed) => believed.builder);
    if (flags.json === true) deps.stdout.write(`${JSON.stringify({ builders: names, differences })}\n`);
    else if (differences.length === 0) deps.stdout.write(`${names.join(' and ')} came to the same bytes.\n`);
    else deps.stdout.write(`${names.join(' and ')} do not agree.\n\n${table(differences.map(row))}`);
    if (flags.diffoscope === true) {
      for (const { file } of differences) {
        const report = await diffoscope(a, b, file);
        deps.stderr.write(`\n${report ?? 'diffoscope is not installed.\n'}`);
      }
    }
    return differences.length === 0 ? EXIT.done : EXIT.failed;
  });
}

function row({ file, offset, part }: Difference): string[] {
  return [`  ${file}`, offset === undefined ? '' : `from byte ${offset} on`, part];
}

export interface SignFlags extends TokenFlags {
  readonly statement: readonly string[];
  readonly build: string;
  readonly builders: string;
  readonly keys: string;
  readonly out: string;
  readonly lastTry?: boolean;
  readonly draft?: boolean;
}

export async function sign(flags: SignFlags, deps: ReleaseDeps): Promise<ExitCode> {
  return await told(deps, async () => {
    const [a, b, ...more] = flags.statement;
    if (a === undefined || b === undefined || more.length > 0)
      throw new ReleaseRefused('command line', 'give exactly two statements, by two builders');
    const builders = readBuilders(flags.builders);
    const keyring = readKeyring(flags.keys);
    await withToken(flags, deps, async (key) => {
      const pcrs = await signRelease({
        build: flags.build,
        statements: [a, b],
        builders,
        keyring,
        key,
        out: flags.out,
        repository: REPOSITORY,
        makeIso,
        progress: new Progress(deps.stdout, deps.clock),
        draft: flags.draft === true,
        lastTry: flags.lastTry === true,
        pin: (warning) => pinOf(flags, deps, warning),
      });
      const rows = Object.entries(pcrs.pcrs).map(([pcr, value]) => [`  PCR ${pcr}`, value]);
      deps.stdout.write(`\n${flags.out}, signed\n\n${table(rows)}`);
    });
  });
}

/** Prints what machines of this keyring show that run a release: after each change of the keyring it is something else. */
export async function pcrs(release: string, flags: { keys: string }, deps: ReleaseDeps): Promise<ExitCode> {
  return await told(deps, async () => {
    deps.stdout.write(printPcrs(await predictedPcrs(release, program(release), readKeyring(flags.keys))));
  });
}

export interface VerifyFlags {
  readonly rebuild?: string;
  readonly builders?: string;
  readonly offline?: boolean;
  readonly json?: boolean;
}

export async function verify(release: string, flags: VerifyFlags, deps: ReleaseDeps): Promise<ExitCode> {
  return await told(deps, async () => {
    const speaking = flags.json === true ? deps.stderr : deps.stdout;
    const scratch = mkdtempSync(join(tmpdir(), 'lethe-rebuild-'));
    try {
      const rebuild = flags.rebuild ?? (await rebuilt(release, scratch, flags, new Progress(speaking, deps.clock)));
      const steps: Step[] = [];
      const sound = await verifyRelease({
        release,
        rebuild,
        repository: REPOSITORY,
        makeIso,
        ...(flags.builders === undefined ? {} : { builders: readBuilders(flags.builders) }),
        report: (step) => {
          steps.push(step);
          speaking.write(`  ${MARK[step.result]} ${step.step.padEnd(56)} ${step.detail}\n`);
        },
      });
      if (flags.json === true) deps.stdout.write(`${JSON.stringify({ sound, steps })}\n`);
      return sound ? EXIT.done : EXIT.failed;
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });
}

const MARK = { holds: '✓', fails: '✗', skipped: '·' } as const;

/** Builds the image again from what the release says of its inputs, and from the sources of this clone. */
async function rebuilt(release: string, scratch: string, flags: VerifyFlags, progress: Progress): Promise<string> {
  const { variant } = readRecord(release);
  if (variant !== 'release')
    throw new ReleaseRefused('command line', `a '${variant}' is made from a build of your own: --rebuild DIR`);
  const file = join(release, OPERATOR_FILE);
  const operator = existsSync(file) ? parseOperator(readFileSync(file, 'utf8')) : undefined;
  if (operator !== undefined && 'problem' in operator)
    throw new ReleaseRefused('release', `${file}: ${operator.problem}`);
  const out = join(scratch, 'build');
  await buildImage({
    out,
    progress,
    locks: release,
    ...(operator === undefined ? {} : { operator }),
    ...(flags.offline === true ? {} : { sources: machineSources() }),
  });
  return out;
}
