// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CommandError, run } from '../../host/processes/process.os.ts';
import type { Lock, LockedModule, LockedPackage } from './lockfile.ts';
import type { Source } from './sources.ts';

/** Something that a lock names cannot be had, or is not what the lock says. */
export class FetchError extends Error {
  override readonly name = 'FetchError';
  readonly code: 'drift' | 'unreachable' | 'missing' | 'damaged';

  constructor(code: FetchError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Files by what they contain. Whatever is taken from it has been verified in this run. */
export interface Cache {
  readonly directory: string;
  pathOf(entry: LockedPackage | LockedModule): string;
}

export function openCache(directory: string): Cache {
  mkdirSync(directory, { recursive: true });
  return {
    directory,
    pathOf: (entry) => join(directory, 'sha256' in entry ? `${entry.sha256}.deb` : `${moduleDigest(entry)}.tgz`),
  };
}

function moduleDigest({ integrity }: LockedModule): string {
  return Buffer.from(integrity.slice('sha512-'.length), 'base64').toString('hex');
}

type Entry = LockedPackage | LockedModule;

/**
 * Fills the cache with every file of the locks and verifies each one, also those that were there. Without `sources` it
 * stays off the network, and a missing file is an error.
 */
export async function fetchLocks(locks: readonly Lock[], cache: Cache, sources?: readonly Source[]): Promise<void> {
  const packages = [...new Map(locks.flatMap((lock) => lock.packages).map((p) => [p.sha256, p])).values()];
  const modules = locks.flatMap((lock) => lock.modules);
  const absent = packages.filter((entry) => !existsSync(cache.pathOf(entry)));
  const absentModules = modules.filter((entry) => !existsSync(cache.pathOf(entry)));
  if (sources !== undefined) {
    if (absent.length > 0) await download(absent, cache, sources);
    for (const entry of absentModules) await downloadModule(entry, cache);
  } else {
    const [first] = [...absent, ...absentModules];
    if (first !== undefined) {
      throw new FetchError('missing', `${labelOf(first)} is not among the archived inputs; run ./lethe image fetch`);
    }
  }
  await inParallel([...packages, ...modules], (entry) => verify(entry, cache));
}

function labelOf(entry: Entry): string {
  return `${entry.name} ${entry.version}`;
}

/** Two at a time: hashing is what takes the time. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) await work(item);
  };
  await Promise.all([worker(), worker()]);
}

async function verify(entry: Entry, cache: Cache): Promise<void> {
  const [algorithm, expected] = 'sha256' in entry ? ['sha256', entry.sha256] : ['sha512', moduleDigest(entry)];
  const hash = createHash(algorithm);
  await pipeline(createReadStream(cache.pathOf(entry)), hash);
  if (hash.digest('hex') !== expected) {
    const path = cache.pathOf(entry);
    throw new FetchError('damaged', `${labelOf(entry)} in the cache is not what the lock names; delete ${path}`);
  }
}

/** How many downloads run at a time; apt's own downloader takes one file after the other from a host. */
const DOWNLOADS = 6;

/** apt's own downloader: it knows this machine's proxies and mirrors, and compares the hash as well. */
async function download(entries: readonly LockedPackage[], cache: Cache, sources: readonly Source[]): Promise<void> {
  const staging = mkdtempSync(join(cache.directory, '.fetch-'));
  try {
    const batches = Array.from({ length: DOWNLOADS }, (_, first) =>
      entries.filter((_, at) => at % DOWNLOADS === first),
    );
    const said = await Promise.all(batches.map((batch) => downloadBatch(batch, staging, sources)));
    for (const entry of entries) {
      if (existsSync(join(staging, entry.sha256))) renameSync(join(staging, entry.sha256), cache.pathOf(entry));
    }
    const absent = entries.filter((entry) => !existsSync(cache.pathOf(entry)));
    if (absent.length > 0) throw failure(absent, said.join(''));
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** Gives what the downloader said when it did not get everything. */
async function downloadBatch(
  batch: readonly LockedPackage[],
  staging: string,
  sources: readonly Source[],
): Promise<string> {
  if (batch.length === 0) return '';
  const argv = batch.flatMap((entry) => {
    const { uri, rest } = locate(entry, sources);
    return [`${uri}${rest}`, join(staging, entry.sha256), `SHA256:${entry.sha256}`];
  });
  const options = ['-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Retries=3'];
  try {
    return await run(['/usr/lib/apt/apt-helper', ...options, 'download-file', ...argv]);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return error.output;
  }
}

function failure(absent: readonly LockedPackage[], said: string): FetchError {
  const names = absent.map(labelOf).join(', ');
  if (!/\b404\b/.test(said)) return new FetchError('unreachable', `the Debian archive did not give: ${names}`);
  const what = `drift: the Debian archive no longer has ${names}`;
  return new FetchError('drift', `${what}. Fetch with the archived inputs of that release, or lock again.`);
}

function locate(entry: LockedPackage, sources: readonly Source[]): { uri: string; rest: string } {
  const cut = entry.path.indexOf('/');
  const source = sources.find(({ archive }) => archive === entry.path.slice(0, cut));
  if (source === undefined) throw new FetchError('unreachable', `no apt source for ${entry.path.slice(0, cut)}`);
  return { uri: source.uri, rest: entry.path.slice(cut) };
}

async function downloadModule(entry: LockedModule, cache: Cache): Promise<void> {
  const staging = mkdtempSync(join(cache.directory, '.fetch-'));
  try {
    const name = `${entry.name}@${entry.version}`;
    await run(['npm', 'pack', '--silent', name, '--pack-destination', staging], {
      cwd: staging,
      env: npmEnvironment(),
    });
    renameSync(join(staging, `${entry.name}-${entry.version}.tgz`), cache.pathOf(entry));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new FetchError('unreachable', `npm did not give ${labelOf(entry)}`);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

/** What tells npm where this machine gets packages from. */
function npmEnvironment(): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (/^(home|npm_config_.+|https?_proxy|no_proxy|node_extra_ca_certs)$/i.test(name)) env[name] = value ?? '';
  }
  return env;
}
