// SPDX-License-Identifier: AGPL-3.0-or-later

/** One Debian package, as the archive's signed index named it when the lock was made. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Bytes. */
  readonly size: number;
  /** Of the .deb, in hex. */
  readonly sha256: string;
  /** Which archive, and the path in it: `debian/pool/main/...`, `debian-security/pool/...`. Never a host. */
  readonly path: string;
}

/** One npm package, by the integrity that package-lock.json names. */
export interface LockedModule {
  readonly name: string;
  readonly version: string;
  /** `sha512-` and base64, as npm writes it. */
  readonly integrity: string;
}

export interface Lock {
  readonly packages: readonly LockedPackage[];
  /** The Node that goes into the image; none in the tools' lock. */
  readonly modules: readonly LockedModule[];
}

export class LockError extends Error {
  override readonly name = 'LockError';
}

const DEB =
  /^(?<name>[a-z0-9][a-z0-9+.-]+) (?<version>[0-9A-Za-z.+~:-]+) (?<architecture>amd64|all) (?<size>[1-9][0-9]{0,11}) (?<sha256>[0-9a-f]{64}) (?<path>debian(?:-security)?\/pool\/[A-Za-z0-9.+~%_/-]+\.deb)$/;
const NPM = /^npm:(?<name>[a-z0-9-]+) (?<version>[0-9]+\.[0-9]+\.[0-9]+) (?<integrity>sha512-[A-Za-z0-9+/]{86}==)$/;

/** One line a package, `name version architecture size sha256 path`; npm packages as `npm:name version integrity`. */
export function formatLock({ packages, modules }: Lock): string {
  const lines = [
    ...packages.map((p) => `${p.name} ${p.version} ${p.architecture} ${p.size} ${p.sha256} ${p.path}`),
    ...modules.map((m) => `npm:${m.name} ${m.version} ${m.integrity}`),
  ];
  return `${lines.toSorted(byBytes).join('\n')}\n`;
}

/** Reads a lock; throws a {@link LockError} naming the line when anything is not exactly as {@link formatLock} writes it. */
export function parseLock(text: string): Lock {
  const packages: LockedPackage[] = [];
  const modules: LockedModule[] = [];
  const names = new Set<string>();
  for (const [index, line] of text.trimEnd().split('\n').entries()) {
    const deb = DEB.exec(line)?.groups;
    const npm = NPM.exec(line)?.groups;
    if (deb !== undefined && !deb['path']?.includes('..')) {
      packages.push({ ...(deb as unknown as LockedPackage), size: Number(deb['size']) });
    } else if (npm !== undefined) modules.push({ ...(npm as unknown as LockedModule) });
    else throw new LockError(`line ${index + 1} of the lock is not a locked package`);
    const [name = ''] = line.split(' ');
    if (names.has(name)) throw new LockError(`line ${index + 1} of the lock names a package twice`);
    names.add(name);
  }
  const lock = { packages, modules };
  if (formatLock(lock) !== text) throw new LockError('the lock is not in order');
  return lock;
}

/** The kernel of a lock, and the release that its modules are for: `6.1.0-56-cloud-amd64`. */
export function kernelOf(lock: Lock): { readonly entry: LockedPackage; readonly release: string } {
  for (const entry of lock.packages) {
    const release = /^linux-image-([0-9].*)$/.exec(entry.name)?.[1];
    if (release !== undefined) return { entry, release };
  }
  throw new LockError('the lock names no kernel');
}

function byBytes(a: string, b: string): number {
  return a < b ? -1 : 1;
}
