// SPDX-License-Identifier: AGPL-3.0-or-later
import { spawn } from 'node:child_process';
import type { Exit } from './process.os.ts';

/** Something that will be done to the machine after us, however we end. */
export interface Keeper {
  /** Of the shell that waits. */
  readonly pid: number;
  /** Has it done now, and waits until it is. */
  now(): Promise<Exit>;
}

/** Ctrl-C reaches whole groups of processes, and a system that stops a service asks all of its processes to end. */
const WAIT = 'trap "" HUP INT TERM; echo ready; exec >/dev/null; cat; exec "$@"';

/**
 * Leaves a shell behind, and resolves once it has begun to wait until our end of its pipe closes, and then runs the program. Unlike the children that
 * die with us it is for what must be taken back when we have been killed. Killed itself, it does nothing: whoever
 * needs more looks at the next start.
 */
export async function leaveKeeper(argv: readonly string[]): Promise<Keeper> {
  const child = spawn('sh', ['-c', WAIT, 'sh', ...argv], {
    env: { PATH: process.env['PATH'] ?? '/usr/sbin:/usr/bin:/sbin:/bin' },
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  const exited = new Promise<Exit>((resolve) => {
    child.once('error', () => resolve({ code: 127, signal: null }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const waits = new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
  await Promise.race([waits, exited]);
  child.stdout.destroy();
  child.unref();
  return {
    pid: child.pid ?? 0,
    async now() {
      child.stdin.end();
      return await exited;
    },
  };
}
