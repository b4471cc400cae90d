// SPDX-License-Identifier: AGPL-3.0-or-later
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './process.os.ts';

const SOURCE = fileURLToPath(new URL('filter.c', import.meta.url));

/**
 * Compiles the launcher that has the kernel refuse system calls (see filter.c), and gives its path. Programs start it
 * under their own user and in their own namespaces, so `directory` must be reachable by all of them.
 */
export async function compileFilter(directory: string): Promise<string> {
  const program = join(directory, 'lethe-filter');
  await run(['gcc', '-O2', '-Wall', '-Wextra', '-Werror', '-o', program, SOURCE]);
  chmodSync(program, 0o755);
  return program;
}
