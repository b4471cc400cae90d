// SPDX-License-Identifier: AGPL-3.0-or-later
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Recipe } from './recipe.os.ts';
import type { Workshop } from './workshop.os.ts';

/** Programs that run on Node, bundled into one file each: source in cmd/, name below /usr/lib/lethe. */
const BUNDLES = { 'gateway.ts': 'gateway.js', 'activation.ts': 'activation.js' };

const WARNINGS = ['-O2', '-Wall', '-Wextra', '-Werror'];
/** What is compiled with the locked compiler: source in the repository, name below /usr/lib/lethe. */
const COMPILED = [
  { source: 'src/residue/wipe.c', target: 'wipe.so', flags: ['-shared', '-fPIC', '-fvisibility=hidden'] },
  { source: 'src/tunnels/wireguard/kernel.c', target: 'wireguard', flags: [] },
];

/** Bundles the gateway's programs into `directory`. The same sources give the same bytes wherever they lie. */
export async function bundlePrograms(recipe: Recipe, directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  for (const [source, target] of Object.entries(BUNDLES)) {
    const entry = join(recipe.repository, 'cmd', source);
    if (!existsSync(entry)) continue;
    await build({
      absWorkingDir: recipe.repository,
      entryPoints: [entry],
      outfile: join(directory, target),
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node26',
      // Otherwise comments tell where node_modules lies.
      preserveSymlinks: true,
      charset: 'utf8',
      logLevel: 'silent',
    });
  }
}

/** Compiles the C programs of the image; the workshop must see the repository at /lethe/source. */
export async function compilePrograms(workshop: Workshop, recipe: Recipe, directory: string): Promise<void> {
  for (const { source, target, flags } of COMPILED) {
    if (!existsSync(join(recipe.repository, source))) continue;
    const output = `/lethe/work/${directory}/${target}`;
    await workshop.run(['gcc', ...WARNINGS, ...flags, '-o', output, `/lethe/source/${source}`]);
  }
}

/** The sources of what is compiled, relative to the repository. */
export const COMPILED_SOURCES = COMPILED.map(({ source }) => source);
