// SPDX-License-Identifier: AGPL-3.0-or-later
import { copyFileSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { bundledGeoip, prepareGeoip } from '../../gateway/geoip/prepare.os.ts';
import { run } from '../../host/processes/process.os.ts';
import type { Cache } from './fetch.os.ts';
import { kernelOf, type Lock } from './lockfile.ts';
import type { Workshop } from './workshop.os.ts';

/**
 * `vmlinuz` and `kernel/` in the working directory, with modules.dep. The package is unpacked and not installed:
 * installing it would bring tools that make an initrd of their own.
 */
export async function unpackKernel(lock: Lock, cache: Cache, workshop: Workshop, work: string): Promise<void> {
  const { entry, release } = kernelOf(lock);
  await run(['dpkg-deb', '--extract', cache.pathOf(entry), join(work, 'kernel')]);
  copyFileSync(join(work, 'kernel/boot', `vmlinuz-${release}`), join(work, 'vmlinuz'));
  await workshop.run(['depmod', '-b', '/lethe/work/kernel', release]);
}

/** `node` in the working directory: the same file that npm gives everybody. */
export async function unpackNode(lock: Lock, cache: Cache, work: string): Promise<void> {
  const [entry] = lock.modules;
  if (entry === undefined) throw new Error('the lock names no Node');
  const archive = ['--extract', '--gzip', '--file', cache.pathOf(entry), '--directory', work, 'package/bin/node'];
  await run(['tar', ...archive]);
  renameSync(join(work, 'package/bin/node'), join(work, 'node'));
}

/** `geoip/` in the working directory, made from the pinned packages. `made` keeps the slow half between builds. */
export function makeGeoip(work: string, made = join(work, 'made')): void {
  const { country, networks } = prepareGeoip(made, bundledGeoip());
  mkdirSync(join(work, 'geoip'));
  copyFileSync(country, join(work, 'geoip/country.mmdb'));
  copyFileSync(networks, join(work, 'geoip/networks.table'));
}
