// SPDX-License-Identifier: AGPL-3.0-or-later
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Operator, parseOperator } from '../../contracts/activation/operator.ts';
import type { Clock } from '../../core/clock/clock.ts';
import { EXIT, type ExitCode } from '../../host/terminal/exit.ts';
import { Progress, type Terminal, table } from '../../host/terminal/terminal.ts';
import { buildImage, buildProbe } from './build.os.ts';
import { FetchError, fetchLocks, openCache } from './fetch.os.ts';
import { lockImage, machineSources } from './lock.os.ts';
import { type Lock, LockError } from './lockfile.ts';
import { recipeOf } from './recipe.os.ts';
import type { BuildRecord } from './record.ts';
import { imageState, readLock } from './state.os.ts';

export interface ImageDeps {
  /** Progress, and what came out. */
  readonly stdout: Terminal;
  /** Why nothing did. */
  readonly stderr: Terminal;
  readonly clock: Clock;
}

/** The words of `./lethe image build`. */
export interface BuildFlags {
  readonly out: string;
  readonly locks?: string;
  readonly operator?: string;
  /** `release` or `probe`. */
  readonly variant: string;
  /** Finished build that a probe variant is made from. */
  readonly from?: string;
  readonly offline?: boolean;
}

/** A wish that cannot be fulfilled, told in one sentence, and with what the command ends. */
class CannotBuild extends Error {
  override readonly name = 'CannotBuild';
  readonly exit: ExitCode;

  constructor(message: string, exit: ExitCode = EXIT.usage) {
    super(message);
    this.exit = exit;
  }
}

/** Resolves the recipe against today's archives and rewrites both locks. Gives the exit code, as the others do. */
export async function imageLock(deps: ImageDeps, directory = recipeOf().directory): Promise<ExitCode> {
  return await told(deps, async (progress) => {
    needRoot();
    const { image, tools } = await progress.stage('resolve packages', () => lockImage(recipeOf(), directory));
    deps.stdout.write(`\n${table([lockRow('image', image), lockRow('tools', tools)], '   ')}`);
  });
}

/** Fills the cache with all that the locks name, and verifies every file. */
export async function imageFetch(deps: ImageDeps, directory = recipeOf().directory): Promise<ExitCode> {
  return await told(deps, async (progress) => {
    const locks = [readLock(join(directory, 'packages.lock')), readLock(join(directory, 'tools.lock'))];
    const cache = openCache(imageState().cache);
    await progress.stage('fetch and verify packages', () => fetchLocks(locks, cache, machineSources()));
  });
}

export async function imageBuild(flags: BuildFlags, deps: ImageDeps): Promise<ExitCode> {
  return await told(deps, async (progress) => {
    needRoot();
    const out = resolve(flags.out);
    const options = {
      out,
      progress,
      ...(flags.locks === undefined ? {} : { locks: flags.locks }),
      ...(flags.operator === undefined ? {} : { operator: readOperator(flags.operator) }),
      ...(flags.offline === true ? {} : { sources: machineSources() }),
    };
    const record = await build(flags, options);
    deps.stdout.write(summary(out, record));
  });
}

async function build(flags: BuildFlags, options: Parameters<typeof buildImage>[0]): Promise<BuildRecord> {
  if (flags.variant === 'release') return await buildImage(options);
  if (flags.variant !== 'probe')
    throw new CannotBuild(`There is no variant '${flags.variant}'; there are release and probe.`);
  if (flags.from === undefined) throw new CannotBuild('A probe is made from a finished build: --from DIR.');
  return await buildProbe(flags.from, options);
}

function readOperator(file: string): Operator {
  if (!existsSync(file)) throw new CannotBuild(`--operator: ${file} is not there.`);
  const operator = parseOperator(readFileSync(file, 'utf8'));
  if ('problem' in operator) throw new CannotBuild(`${file}: ${operator.problem}`);
  return operator;
}

function needRoot(): void {
  if (process.getuid?.() !== 0) throw new CannotBuild('This mounts and changes owners, and needs root.', EXIT.machine);
}

function lockRow(name: string, lock: Lock): string[] {
  const bytes = lock.packages.reduce((sum, { size }) => sum + size, 0);
  return [name, `${lock.packages.length} packages`, `${megabytes(bytes)} MB`];
}

function summary(out: string, record: BuildRecord): string {
  const rows = Object.entries(record.outputs).map(([name, { size, sha256 }]) => [`  ${name}`, megabytes(size), sha256]);
  return `\n${out}, not signed\n\n${table(rows)}\n  root hash  ${record.rootHash}\n  inputs     ${record.inputs}\n`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

async function told(deps: ImageDeps, work: (progress: Progress) => Promise<void>): Promise<ExitCode> {
  try {
    await work(new Progress(deps.stdout, deps.clock));
    return EXIT.done;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const expected = [CannotBuild, FetchError, LockError].some((kind) => error instanceof kind);
    deps.stderr.write(`lethe: ${expected ? error.message : `It failed: ${error.message}`}\n`);
    return error instanceof CannotBuild ? error.exit : EXIT.failed;
  }
}
