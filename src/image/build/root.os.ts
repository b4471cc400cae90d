// SPDX-License-Identifier: AGPL-3.0-or-later
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { settleAccounts } from './accounts.ts';
import { isListed } from './contents.ts';
import { keptModules, parseDependencies } from './kernel.ts';
import { type Recipe, readNames } from './recipe.os.ts';
import type { Workshop } from './workshop.os.ts';

/** Takes out what was needed to make the tree, and what the building machine left in it. */
export function scrub(root: string, recipe: Recipe): void {
  const leaving = readNames(join(recipe.directory, 'leave.txt')).flatMap((name) => packageFiles(root, name));
  for (const file of leaving) {
    const path = join(root, file);
    // Lists also name directories, some of which are links here: /lib.
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) rmSync(path, { force: true });
  }
  for (const pattern of readNames(join(recipe.directory, 'drop.txt'))) {
    for (const found of globSync(pattern, { cwd: root })) {
      // A link in the tree may lead out of it.
      if (!realpathSync(join(root, dirname(found))).startsWith(realpathSync(root)))
        throw new Error(`${pattern} leads out of the tree`);
      rmSync(join(root, found), { recursive: true, force: true });
    }
  }
}

/** Takes out every program in bin and sbin that the list does not name. */
export function keepPrograms(root: string, recipe: Recipe): void {
  const listed = readNames(join(recipe.directory, 'programs.txt'));
  for (const name of globSync('usr/{bin,sbin}/*', { cwd: root })) {
    if (!isListed(basename(name), listed)) rmSync(join(root, name), { recursive: true });
  }
}

/** The files that a package brought; none when it is not installed. */
function packageFiles(root: string, name: string): string[] {
  const lists = globSync(`var/lib/dpkg/info/{${name},${name}:amd64}.list`, { cwd: root });
  return lists.flatMap((list) => readFileSync(join(root, list), 'utf8').split('\n').filter(Boolean));
}

/** What would be the building machine's. The recipe's files may say something else. */
export const SETTLED: Readonly<Record<string, string>> = {
  'etc/hostname': 'gateway\n',
  'etc/hosts': '127.0.0.1 localhost\n::1 localhost\n',
  'etc/resolv.conf': 'nameserver 127.0.0.1\n',
  // Present and empty: systemd makes one at each boot, in memory, and does not take it for a first boot.
  'etc/machine-id': '',
};

/** Names and addresses that would otherwise be the building machine's, and accounts without a login. */
export function settle(root: string, recipe: Recipe): void {
  const etc = (name: string) => join(root, 'etc', name);
  for (const [path, content] of Object.entries(SETTLED)) write(join(root, path), content);
  write(etc('fstab'), '');
  write(etc('os-release'), osRelease());
  const read = (name: string) => readFileSync(etc(name), 'utf8');
  const files = { passwd: read('passwd'), group: read('group'), shadow: read('shadow'), gshadow: read('gshadow') };
  const settled = settleAccounts(
    files,
    readNames(join(recipe.directory, 'users.txt')),
    readNames(join(recipe.directory, 'groups.txt')),
  );
  for (const name of ['passwd', 'group'] as const) write(etc(name), settled[name]);
  for (const name of ['shadow', 'gshadow'] as const) write(etc(name), settled[name], 0o600);
  for (const name of ['dev', 'proc', 'run', 'sys', 'tmp', 'var/tmp', 'var/log', 'var/cache', 'root']) {
    mkdirSync(join(root, name), { recursive: true });
  }
}

/** What the image says it is; also inside the unified kernel image. */
export function osRelease(): string {
  return 'ID=lethe\nID_LIKE=debian\nNAME="Lethe gateway"\nPRETTY_NAME="Lethe gateway"\nVERSION_ID=1\n';
}

/** Lays a directory of the recipe over the tree. Only git's executable bit decides the mode. */
export function lay(from: string, root: string): void {
  if (!existsSync(from)) return;
  mkdirSync(root, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(root, entry.name);
    if (entry.isDirectory()) {
      mkdirSync(target, { recursive: true });
      lay(source, target);
    } else if (entry.isSymbolicLink()) {
      rmSync(target, { force: true });
      symlinkSync(readlinkSync(source), target);
    } else {
      rmSync(target, { force: true });
      write(target, readFileSync(source), (statSync(source).mode & 0o100) === 0 ? 0o644 : 0o755);
    }
  }
}

/** The kernel's modules, as many as a gateway needs, each with Debian's signature. Gives the directory of the release. */
export async function placeModules(workshop: Workshop, work: string, release: string, recipe: Recipe): Promise<void> {
  const from = join(work, 'kernel/lib/modules', release);
  const to = join(work, 'root/usr/lib/modules', release);
  const dependencies = parseDependencies(readFileSync(join(from, 'modules.dep'), 'utf8'));
  for (const module of keptModules(dependencies, readNames(join(recipe.directory, 'modules.txt')))) {
    mkdirSync(dirname(join(to, module)), { recursive: true });
    copyFileSync(join(from, module), join(to, module));
  }
  for (const name of ['modules.builtin', 'modules.builtin.modinfo', 'modules.order']) {
    copyFileSync(join(from, name), join(to, name));
  }
  await workshop.run(['depmod', '-b', '/lethe/work/root', release]);
}

/** Compiles every profile of the recipe into the form that the kernel takes. */
export async function compileProfiles(workshop: Workshop, root: string, recipe: Recipe): Promise<void> {
  const profiles = join(recipe.directory, 'apparmor');
  mkdirSync(join(root, 'usr/lib/lethe/apparmor'), { recursive: true });
  if (!existsSync(profiles)) return;
  for (const entry of readdirSync(profiles, { withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const features = '/usr/share/apparmor-features/features';
    const target = `/lethe/work/root/usr/lib/lethe/apparmor/${entry.name}`;
    const options = ['-Q', '-K', '-b', '/etc/apparmor.d', '-I', '/lethe/recipe/apparmor', '-M', features];
    await workshop.run(['apparmor_parser', ...options, '-o', target, `/lethe/recipe/apparmor/${entry.name}`]);
  }
}

/** Writes a file of root's with exactly this mode, whatever the umask. */
export function write(path: string, content: string | Uint8Array, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { force: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
  chownSync(path, 0, 0);
}
