// SPDX-License-Identifier: AGPL-3.0-or-later
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { LockedPackage } from './lock.ts';

/** Where packages come from, as npm's own settings say it. */
export interface Registry {
  /** Packages are below it: `https://registry.example/` */
  readonly url: string;
  /** Sent to the registry alone. */
  readonly token: string | undefined;
}

/** A package could not be had. The message is one sentence for the operator. */
export class PackageError extends Error {
  override readonly name = 'PackageError';
}

/** Fetched and unpacked at the same time. */
const AT_ONCE = 8;
/** A registry that fails is asked again. */
const TRIES = 3;
/** Milliseconds in which a tarball must have come. */
const PATIENCE = 300_000;

/**
 * Fetches packages, checks each against its SHA-512 and unpacks it below `modules`, as `npm ci --ignore-scripts` does.
 * A package whose folder is there already is left alone. `done` is called after each.
 */
export async function installPackages(
  packages: readonly LockedPackage[],
  modules: string,
  registry: Registry,
  done: () => void,
): Promise<void> {
  const waiting = packages.filter(({ path }) => !existsSync(join(modules, path)));
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      await unpack(await fetchTarball(next, registry), join(modules, next.path));
      done();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  linkCommands(packages, modules);
}

async function fetchTarball({ tarball, sha512 }: LockedPackage, { url, token }: Registry): Promise<Uint8Array> {
  const from = `${url.replace(/\/*$/, '/')}${tarball}`;
  const bytes = await fetchPatiently(from, token);
  if (createHash('sha512').update(bytes).digest('base64') !== sha512)
    throw new PackageError(`${from} is not what package-lock.json names: its SHA-512 differs.`);
  return bytes;
}

async function fetchPatiently(from: string, token: string | undefined): Promise<Uint8Array> {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  let why = '';
  for (let tried = 0; tried < TRIES; tried += 1) {
    try {
      const answer = await fetch(from, { headers, signal: AbortSignal.timeout(PATIENCE) });
      if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
      why = `the answer is ${answer.status}`;
      if (answer.status < 500) break;
    } catch (error) {
      why = reasonOf(error);
    }
  }
  throw new PackageError(`${from} cannot be fetched: ${why}.`);
}

function reasonOf(error: unknown): string {
  const { cause, name } = error as Error & { cause?: { code?: string } };
  return cause?.code ?? name;
}

/** npm's rights: everybody may read, and run what may be run. Links inside packages are passed over. */
async function unpack(tarball: Uint8Array, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await command(['tar', '-xzmf', '-', '--strip-components=1', '--no-same-owner', '-C', folder], tarball);
  await command(['chmod', '-R', 'u+rwX,go+rX,go-w', folder]);
  await command(['find', folder, '-type', 'l', '-delete']);
}

async function command(argv: readonly [string, ...string[]], stdin?: Uint8Array): Promise<void> {
  const [program, ...rest] = argv;
  const child = spawn(program, rest, { stdio: ['pipe', 'ignore', 'inherit'] });
  child.stdin.on('error', () => undefined).end(stdin);
  const code = await new Promise<number | null>((resolve, reject) =>
    child.once('error', reject).once('close', resolve),
  );
  if (code !== 0) throw new PackageError(`${program} ended with code ${code}.`);
}

function linkCommands(packages: readonly LockedPackage[], modules: string): void {
  const folder = join(modules, '.bin');
  mkdirSync(folder, { recursive: true });
  const there = new Set(readdirSync(folder));
  for (const { path, commands } of packages) {
    for (const [name, file] of Object.entries(commands)) {
      const target = join(modules, path, file);
      if (there.has(name) || !existsSync(target)) continue;
      chmodSync(target, 0o755);
      symlinkSync(relative(folder, target), join(folder, name));
    }
  }
}
