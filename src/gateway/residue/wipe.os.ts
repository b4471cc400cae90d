// SPDX-License-Identifier: AGPL-3.0-or-later
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { run, type SpawnOptions } from '../../host/processes/process.os.ts';

const SOURCE = fileURLToPath(new URL('wipe.c', import.meta.url));
const FLAGS = ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-Werror', '-fvisibility=hidden'];

/** A process that should wipe its memory and does not. */
export class NotWipedError extends Error {
  override readonly name = 'NotWipedError';
}

/**
 * Compiles the library that wipes freed heap and dead stack (see wipe.c) and gives its path.
 *
 * Every process that preloads it opens this path under its own user and in its own namespaces, so `directory` must be
 * reachable by all of them: not below /run, which each namespace has for itself.
 */
export async function compileWipe(directory: string): Promise<string> {
  const library = join(directory, 'lethe-wipe.so');
  await run(['gcc', ...FLAGS, '-o', library, SOURCE]);
  chmodSync(library, 0o755);
  return library;
}

/**
 * The one way in which a daemon of the gateway, and the agent itself, is started: the same options with the wiping
 * library preloaded. Follow it with {@link assertWiped}, because the loader only warns when it cannot read the library.
 *
 * ```ts
 * const charon = await gateway.spawn(['/usr/lib/ipsec/charon'], wiped(library, { user }));
 * await assertWiped(charon.pid, library);
 * ```
 */
export function wiped(library: string, options: SpawnOptions = {}): SpawnOptions {
  return { ...options, env: { ...options.env, LD_PRELOAD: library } };
}

/** Whether a running process has loaded the library. False for a process that is gone, and for static programs. */
export function isWiped(pid: number, library: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/maps`, 'utf8')
      .split('\n')
      .some((line) => line.endsWith(` ${library}`));
  } catch {
    return false;
  }
}

/** Throws unless the process has loaded the library within two seconds: a new process may still be loading it. */
export async function assertWiped(pid: number, library: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (isWiped(pid, library)) return;
    await delay(10);
  }
  throw new NotWipedError(`process ${pid} runs without ${library}`);
}
