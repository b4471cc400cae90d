// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CommandError, run } from '../../host/processes/process.os.ts';
import type { Cache } from './fetch.os.ts';
import { formatLock, type Lock } from './lockfile.ts';
import { SOURCE_DATE_EPOCH } from './recipe.os.ts';
import { makeRepository } from './repository.os.ts';

/**
 * The chroot of locked tools. What runs in it sees its own mounts and processes, no network, a fixed host name and
 * environment, and a read-only system; only the directories bound below /lethe are the caller's.
 */
export interface Workshop {
  /** The tools' tree. */
  readonly root: string;
  /** Runs a program to its end and gives its output; throws a CommandError unless it ends with 0. */
  run(argv: readonly string[]): Promise<string>;
}

export interface WorkshopOptions {
  /** The path outside of the working directory /lethe/work. */
  readonly work: string;
  /** Directories to see at /lethe/NAME, read only. */
  readonly see?: Readonly<Record<string, string>>;
  /** Set in every program; the test of identical rebuilds sets the clock wrong with it. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Directories that the chroot offers for binding. */
const PLACES = ['work', 'recipe', 'repository', 'source', 'out'];

const ENTER = `
set -eu
umask 022
root=$1
shift
hostname lethe
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
while [ "$1" != -- ]; do
  mount --bind "$1" "$root/lethe/$2"
  [ "$3" = rw ] || mount -o remount,bind,ro "$root/lethe/$2"
  shift 3
done
shift
mount -t proc proc "$root/proc"
mount -t sysfs sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
exec env -i "$@"
`;

export function openWorkshop(root: string, options: WorkshopOptions): Workshop {
  const binds = [options.work, 'work', 'rw'];
  for (const [name, path] of Object.entries(options.see ?? {})) binds.push(path, name, 'ro');
  const env = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
    HOME: '/nonexistent',
    SOURCE_DATE_EPOCH: String(SOURCE_DATE_EPOCH),
    ...options.env,
  };
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  // The variables reach the programs and not chroot itself, which could not load a library from inside.
  const enter = ['chroot', root, '/usr/bin/env', '-C', '/lethe/work', ...variables];
  const unshare = ['unshare', '--mount', '--pid', '--fork', '--kill-child=KILL', '--net', '--ipc', '--uts'];
  return {
    root,
    run: (argv) => run([...unshare, 'sh', '-c', ENTER, 'sh', root, ...binds, '--', PATH, ...enter, ...argv]),
  };
}

const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1';

/** Shifts the clock of everything that runs in the chroot, in libfaketime's words; files keep their real times. */
export function clock(shift: string | undefined): Pick<WorkshopOptions, 'env'> {
  return shift === undefined ? {} : { env: { LD_PRELOAD: FAKETIME, FAKETIME: shift, NO_FAKE_STAT: '1' } };
}

/** The shifted clock must hold inside the tree that mmdebstrap makes as well, and leave no trace there. */
export const CLOCK_HOOKS = [
  `--extract-hook=mkdir -p "$1${dirname(FAKETIME)}" && cp ${FAKETIME} "$1${dirname(FAKETIME)}/"`,
  `--customize-hook=rm -rf "$1${dirname(FAKETIME)}"`,
];

const PATH = 'PATH=/usr/sbin:/usr/bin:/sbin:/bin';

export function lockDigest(lock: Lock): string {
  return createHash('sha256').update(formatLock(lock)).digest('hex');
}

/** What mmdebstrap is told about every tree: nothing that a locked list does not say. */
function debootstrapOptions(lock: Lock): string[] {
  const names = lock.packages.map((entry) => entry.name).filter((name) => !name.startsWith('linux-image-'));
  return [
    '--mode=root',
    '--variant=custom',
    '--architectures=amd64',
    `--include=${names.join(',')}`,
    '--aptopt=APT::Install-Recommends "false"',
    '--aptopt=Acquire::Languages "none"',
    '--dpkgopt=force-unsafe-io',
    '--dpkgopt=path-exclude=/usr/share/doc/*',
    '--dpkgopt=path-include=/usr/share/doc/*/copyright',
    '--dpkgopt=path-exclude=/usr/share/man/*',
    '--dpkgopt=path-exclude=/usr/share/locale/*',
    '--dpkgopt=path-exclude=/usr/share/info/*',
    '--dpkgopt=path-exclude=/usr/share/lintian/*',
    '--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr',
    '--skip=output/dev',
    '--quiet',
  ];
}

/** Makes the tree `root/` of the working directory from its `repository/`. */
export async function debootstrap(workshop: Workshop, lock: Lock, hooks: readonly string[] = []): Promise<void> {
  const source = 'deb [trusted=yes] copy:///lethe/work/repository ./';
  await workshop.run(['mmdebstrap', ...debootstrapOptions(lock), ...hooks, '', 'root', source]);
}

/**
 * Gives the tools' tree, made from its lock once and kept in `directory` under the lock's digest. Needs root and the
 * machine's own mmdebstrap; `fetch` must fill and verify the cache; it is
 * called only when the tree has to be made.
 */
export async function toolsTree(
  lock: Lock,
  cache: Cache,
  directory: string,
  fetch: () => Promise<void>,
): Promise<string> {
  const root = join(directory, lockDigest(lock).slice(0, 32));
  if (existsSync(root)) return root;
  await fetch();
  mkdirSync(directory, { recursive: true });
  const unfinished = `${root}.${process.pid}`;
  const repository = `${unfinished}.repository`;
  try {
    await makeRepository(lock, cache, repository);
    const source = `deb [trusted=yes] copy://${repository} ./`;
    await run(['mmdebstrap', ...debootstrapOptions(lock), '', unfinished, source], {
      env: { LC_ALL: 'C.UTF-8', TZ: 'UTC', SOURCE_DATE_EPOCH: String(SOURCE_DATE_EPOCH) },
    });
    // mmdebstrap copies the building machine's.
    for (const name of ['hostname', 'resolv.conf']) rmSync(join(unfinished, 'etc', name), { force: true });
    for (const name of PLACES) mkdirSync(join(unfinished, 'lethe', name), { recursive: true });
    renameSync(unfinished, root);
    return root;
  } catch (error) {
    if (existsSync(root)) return root;
    throw error instanceof CommandError
      ? new Error(`the tools' tree was not made: ${error.message}`, { cause: error })
      : error;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
    rmSync(repository, { recursive: true, force: true });
  }
}
