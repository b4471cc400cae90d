// SPDX-License-Identifier: AGPL-3.0-or-later
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from './clock.ts';

/** A condition did not come to hold in time. */
export class WaitedInVain extends Error {
  override readonly name = 'WaitedInVain';
}

/** Waits until a condition holds, at most `limit` milliseconds. `what` ends the sentence "waited in vain: …". */
export async function until(what: string, holds: () => boolean | Promise<boolean>, limit = 60_000): Promise<void> {
  const deadline = systemClock.elapsed() + limit;
  while (!(await holds())) {
    if (systemClock.elapsed() > deadline) throw new WaitedInVain(`waited in vain: ${what}`);
    await delay(20);
  }
}
