// SPDX-License-Identifier: AGPL-3.0-or-later
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { BundledPackage } from './sbom.ts';

/** The programs of the image that are bundled. */
const PROGRAMS = ['gateway.ts', 'activation.ts', 'wireguard.ts'];

/** The npm packages that esbuild puts into the image's programs, in the order of their names. */
export async function bundledPackages(repository: string): Promise<BundledPackage[]> {
  const entryPoints = PROGRAMS.map((name) => join(repository, 'cmd', name)).filter((file) => existsSync(file));
  const { metafile } = await build({
    absWorkingDir: repository,
    entryPoints,
    outdir: 'nowhere',
    bundle: true,
    platform: 'node',
    format: 'esm',
    preserveSymlinks: true,
    metafile: true,
    write: false,
    logLevel: 'silent',
  });
  const locked = (
    JSON.parse(readFileSync(join(repository, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { version: string; integrity: string; license?: string }>;
    }
  ).packages;
  const names = new Set(Object.keys(metafile.inputs).flatMap((file) => packageOf(file) ?? []));
  return [...names].toSorted().flatMap((name) => {
    const entry = locked[`node_modules/${name}`];
    if (entry === undefined) return [];
    const { version, integrity, license } = entry;
    return [{ name, version, integrity, ...(license === undefined ? {} : { license }) }];
  });
}

function packageOf(file: string): string | undefined {
  return /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
}
