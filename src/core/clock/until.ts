// SPDX-License-Identifier: AGPL-3.0-or-later
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from './clock.ts';

/** A condition did not come to hold in time. */
export class TimedOut extends Error {
  override readonly name = 'TimedOut';
}

/** Milliseconds. A machine that does ten other things takes a minute for what takes a second on a quiet one. */
const LIMIT = 60_000;
const LOOK_EVERY = 20;

/** What a condition gives until it holds. */
type NotYet = false | undefined;

/**
 * Waits until a condition holds, at most `limit` milliseconds, and gives what it found. `what` ends the sentence "timed
 * out after 60 s waiting until …", as in `swtpm opens its sockets`. It looks again after `every` milliseconds, which is
 * more where looking is work for the machine that is waited for.
 */
export async function waitUntil<T>(
  what: string,
  holds: () => T | NotYet | Promise<T | NotYet>,
  limit = LIMIT,
  every = LOOK_EVERY,
): Promise<Exclude<T, NotYet>> {
  const deadline = systemClock.elapsed() + limit;
  for (;;) {
    const found = await holds();
    if (found !== false && found !== undefined) return found as Exclude<T, NotYet>;
    if (systemClock.elapsed() > deadline) throw new TimedOut(`timed out after ${limit / 1000} s waiting until ${what}`);
    await delay(every);
  }
}
