// SPDX-License-Identifier: AGPL-3.0-or-later
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Recipe } from './recipe.os.ts';
import type { Workshop } from './workshop.os.ts';

/**
 * Programs that run on Node, bundled into one file each: source in cmd/, name below /usr/lib/lethe. What a program only
 * loads when asked for, and never asks for, stays out: systemd starts the daemons here.
 */
export const BUNDLES: Readonly<Record<string, { readonly target: string; readonly without: readonly string[] }>> = {
  'gateway.ts': { target: 'gateway.js', without: ['*/start.os.ts'] },
  'activation.ts': { target: 'activation.js', without: [] },
};

const WARNINGS = ['-O2', '-Wall', '-Wextra', '-Werror'];
/** Between the agent and the kernel. */
const BRIDGE = {
  sources: ['src/gateway/tunnels/netlink.c'],
  headers: ['src/gateway/tunnels/bridge.h', 'src/gateway/tunnels/netlink.h'],
};
/** What is compiled with the locked compiler: sources in the repository and their headers, name below /usr/lib/lethe. */
const COMPILED = [
  {
    sources: ['src/gateway/residue/wipe.c'],
    headers: [],
    target: 'wipe.so',
    flags: ['-shared', '-fPIC', '-fvisibility=hidden'],
  },
  {
    sources: ['src/gateway/tunnels/wireguard/kernel.c', ...BRIDGE.sources],
    headers: BRIDGE.headers,
    target: 'wireguard',
    flags: [],
  },
  {
    sources: ['src/gateway/tunnels/firewall/flows.c', ...BRIDGE.sources],
    headers: BRIDGE.headers,
    target: 'flows',
    flags: [],
  },
  { sources: ['src/gateway/boot/integrity.c'], headers: [], target: 'integrity', flags: [] },
];

/** Bundles the gateway's programs into `directory`. The same sources give the same bytes in any directory. */
export async function bundlePrograms(recipe: Recipe, directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  for (const [source, { target, without }] of Object.entries(BUNDLES)) {
    const entry = join(recipe.repository, 'cmd', source);
    if (!existsSync(entry)) continue;
    await build({
      absWorkingDir: recipe.repository,
      entryPoints: [entry],
      outfile: join(directory, target),
      bundle: true,
      external: [...without],
      platform: 'node',
      format: 'esm',
      target: 'node26',
      // Otherwise comments tell the path of node_modules.
      preserveSymlinks: true,
      charset: 'utf8',
      // tsconfig.json is no input of the image, and would decide about "use strict".
      tsconfigRaw: {},
      logLevel: 'silent',
    });
  }
}

/** Compiles the C programs of the image; the workshop must see the repository at /lethe/source. */
export async function compilePrograms(workshop: Workshop, recipe: Recipe, directory: string): Promise<void> {
  for (const { sources, target, flags } of COMPILED) {
    if (!sources.every((source) => existsSync(join(recipe.repository, source)))) continue;
    const output = `/lethe/work/${directory}/${target}`;
    const inputs = sources.map((source) => `/lethe/source/${source}`);
    await workshop.run(['gcc', ...WARNINGS, ...flags, '-o', output, ...inputs]);
  }
}

/** The sources of what is compiled, relative to the repository. */
export const COMPILED_SOURCES: readonly string[] = [
  ...COMPILED.flatMap(({ sources }) => sources),
  ...COMPILED.flatMap(({ headers }) => headers),
];
