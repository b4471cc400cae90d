// SPDX-License-Identifier: AGPL-3.0-or-later

/** What this machine needs of a package that package-lock.json names. */
export interface LockedPackage {
  /** Where it goes, below `node_modules`: `zod`, `@hono/node-server` */
  readonly path: string;
  /** Its tarball, below the registry. */
  readonly tarball: string;
  /** SHA-512 of the tarball, base64. */
  readonly sha512: string;
  /** Its commands, and the file of the package behind each. */
  readonly commands: Readonly<Record<string, string>>;
}

/** An entry of package-lock.json (lockfileVersion 3), as far as it is read here. */
interface Entry {
  readonly version?: string;
  readonly name?: string;
  readonly integrity?: string;
  readonly os?: string | readonly string[];
  readonly cpu?: string | readonly string[];
  readonly libc?: string | readonly string[];
  readonly bin?: Readonly<Record<string, string>>;
}

const MACHINE = { os: 'linux', cpu: 'x64', libc: 'glibc' } as const;
const FOLDER = 'node_modules/';

/** A lock file that says something we do not know how to follow. */
export class LockError extends Error {
  override readonly name = 'LockError';
}

/** The packages of a lock file that are for this machine. */
export function lockedPackages(text: string): LockedPackage[] {
  const { packages } = JSON.parse(text) as { packages: Readonly<Record<string, Entry>> };
  return Object.entries(packages)
    .filter(([path, entry]) => path !== '' && isForHere(entry))
    .map(([path, entry]) => locked(path, entry));
}

function isForHere(entry: Entry): boolean {
  return (['os', 'cpu', 'libc'] as const).every((what) => {
    const only = entry[what];
    return only === undefined || (typeof only === 'string' ? [only] : only).includes(MACHINE[what]);
  });
}

function locked(
  path: string,
  { version, name = path.slice(FOLDER.length), integrity, bin = {} }: Entry,
): LockedPackage {
  const [, sha512] = /^sha512-([A-Za-z0-9+/]{86}==)$/.exec(integrity ?? '') ?? [];
  if (version === undefined || sha512 === undefined) throw new LockError(`${path} has no version, or no SHA-512`);
  if (!/^node_modules\/(@\w[\w.-]*\/)?\w[\w.-]*$/.test(path)) throw new LockError(`${path} is inside another package`);
  const file = name.slice(name.indexOf('/') + 1);
  return { path: path.slice(FOLDER.length), tarball: `${name}/-/${file}-${version}.tgz`, sha512, commands: bin };
}
