// SPDX-License-Identifier: AGPL-3.0-or-later
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadOrder, moduleName, parseDependencies } from './kernel.ts';
import { type Recipe, readNames, SOURCE_DATE_EPOCH } from './recipe.os.ts';
import type { Variant } from './record.ts';
import { lay } from './root.os.ts';
import type { Workshop } from './workshop.os.ts';

const DIRECTORIES = 'bin sbin proc sys dev media ram ro ovl new m run tmp';
const ARCHIVE = `
cd "$1"
find . -print0 | xargs -0 touch -h -d @${SOURCE_DATE_EPOCH}
find . -print0 | LC_ALL=C sort -z | cpio -0 -o -H newc --reproducible --quiet -R 0:0 | zstd -q -15 -T1 >"$2"
`;

/**
 * Makes `initrd.zst` in the working directory: busybox and veritysetup from the locked tools, modules from the kernel in
 * `kernel/`, and `image/initrd/init`. /m/order names the modules in the order to load them. The probe variant also holds
 * what is in `image/probe/`.
 */
export async function makeInitrd(
  workshop: Workshop,
  work: string,
  release: string,
  recipe: Recipe,
  variant: Variant,
): Promise<void> {
  const tree = join(work, 'initrd');
  rmSync(tree, { recursive: true, force: true });
  for (const name of DIRECTORIES.split(' ')) mkdirSync(join(tree, name), { recursive: true });
  copyFileSync(join(workshop.root, 'bin/busybox'), join(tree, 'bin/busybox'));
  symlinkSync('busybox', join(tree, 'bin/sh'));
  await copyProgram(workshop, '/usr/sbin/veritysetup', join(tree, 'sbin/veritysetup'), tree);
  const kernel = join(work, 'kernel/lib/modules', release);
  const dependencies = parseDependencies(readFileSync(join(kernel, 'modules.dep'), 'utf8'));
  const order = loadOrder(dependencies, readNames(join(recipe.directory, 'initrd/modules.txt')));
  for (const module of order) copyFileSync(join(kernel, module), join(tree, 'm', `${moduleName(module)}.ko`));
  writeFileSync(join(tree, 'm/order'), `${order.map(moduleName).join('\n')}\n`);
  copyFileSync(join(recipe.directory, 'initrd/init'), join(tree, 'init'));
  if (variant === 'probe') lay(join(recipe.directory, 'probe'), tree);
  await workshop.run(['chmod', '-R', 'u=rwX,go=rX', '/lethe/work/initrd']);
  await workshop.run(['chmod', '0755', '/lethe/work/initrd/init']);
  await workshop.run(['sh', '-euc', ARCHIVE, 'sh', '/lethe/work/initrd', '/lethe/work/initrd.zst']);
}

/** A program of the tools and every library that it loads. */
async function copyProgram(workshop: Workshop, program: string, target: string, tree: string): Promise<void> {
  copyFileSync(join(workshop.root, program), target);
  const needed = await workshop.run(['env', '-u', 'LD_PRELOAD', 'ldd', program]);
  for (const [library] of needed.matchAll(/\/lib\S+/g)) {
    mkdirSync(dirname(join(tree, library)), { recursive: true });
    copyFileSync(join(workshop.root, library), join(tree, library));
  }
}
