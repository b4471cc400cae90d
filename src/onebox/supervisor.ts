// SPDX-License-Identifier: AGPL-3.0-or-later
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../core/clock/clock.ts';
import type { Journal } from '../core/journal/journal.ts';
import type { Child } from '../host/processes/process.os.ts';

/** A program that is started again when it ends without being asked to. */
export interface Supervised {
  readonly name: string;
  /** The process that runs now, or ran last. */
  readonly child: Child;
  stop(): Promise<void>;
}

export interface Supervision {
  readonly name: string;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly start: () => Promise<Child>;
  /** How the program is asked to end; SIGTERM without it. */
  readonly end?: (child: Child) => Promise<unknown> | undefined;
}

/** Milliseconds before a restart; the pause grows while restarts keep failing. */
const PAUSES = [100, 500, 2000, 10_000] as const;
/** A program that ran this long counts as healthy again, milliseconds. */
const HEALTHY_AFTER = 30_000;

/**
 * Starts a program and keeps it running until `stop`. The first start may fail and then throws; later failures are
 * said in the journal and tried again.
 */
export async function supervise({ name, journal, clock, start, end }: Supervision): Promise<Supervised> {
  let child = await start();
  const stopping = new AbortController();

  const restart = async (): Promise<boolean> => {
    try {
      child = await start();
      return true;
    } catch {
      journal.say({ code: 'failed', program: name, failure: 'did_not_start' });
      return false;
    }
  };

  const watch = async (): Promise<void> => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      const since = clock.elapsed();
      await child.exited;
      if (stopping.signal.aborted) return;
      journal.say({ code: 'daemon_lost', daemon: name });
      if (clock.elapsed() - since > HEALTHY_AFTER) failures = 0;
      await delay(PAUSES[Math.min(failures, PAUSES.length - 1)], undefined, { signal: stopping.signal }).catch(
        () => undefined,
      );
      if (stopping.signal.aborted) return;
      failures += 1;
      if (await restart()) journal.say({ code: 'daemon_found', daemon: name });
    }
  };
  const watching = watch();

  return {
    name,
    get child() {
      return child;
    },
    async stop() {
      stopping.abort();
      await (end === undefined ? child.stop() : end(child));
      await watching;
    },
  };
}
