// SPDX-License-Identifier: AGPL-3.0-or-later
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** A process that is not a child of ours, told from a later one of the same number by when it began. */
export interface Running {
  readonly pid: number;
  /** Ticks since the machine began. */
  readonly since: string;
}

/** Milliseconds that a program has to end in order. */
const GRACE = 5000;
const LOOK_EVERY = 10;

/** The process of this number; undefined when there is none, or only what its parent has not collected yet. */
export function runningAs(pid: number | undefined): Running | undefined {
  if (pid === undefined) return undefined;
  try {
    // The name of the program, in parentheses, may hold anything (proc(5)).
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[0] === 'Z' ? undefined : { pid, since: fields[19] ?? '' };
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

/** Ends a process, with SIGTERM and after a grace with SIGKILL. Resolves when it is gone, at once if it was before. */
export async function endRunning(running: Running, grace = GRACE): Promise<void> {
  const runs = () => runningAs(running.pid)?.since === running.since;
  for (let waited = 0; runs(); waited += LOOK_EVERY) {
    if (waited === 0) send(running.pid, 'SIGTERM');
    if (waited >= grace) send(running.pid, 'SIGKILL');
    await delay(LOOK_EVERY);
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

/** ESRCH comes from a file of a process that ended while it was read. */
function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ESRCH';
}
