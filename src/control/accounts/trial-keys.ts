// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Clock } from '../../core/clock/clock.ts';

/**
 * WireGuard keys of trial licences that there can be at one time. A trial costs nothing, so a stranger can have as many as he
 * likes; all of his keys together are a thirtieth of the service's addresses, and an eighth of the peers that a kernel's
 * device takes. What is left is for those whose licence an operator has extended.
 */
export const MOST_TRIAL_KEYS = 2 ** 17;

/** So many may come at once. The other half comes over the time that a trial key lives. */
const BURST = MOST_TRIAL_KEYS / 2;

/** A key goes in the first round of housekeeping after the licence's last day, so it has at most two days more. */
const DAY = 86_400_000;
const LAST_DAYS = 2;

/**
 * One bucket for the keys of all trials. It drains so slowly that whatever is in the bucket and whatever has drained in the
 * life of a key are together no more than {@link MOST_TRIAL_KEYS}; no key has to be counted for that. A key that is removed
 * gives nothing back, or the same stranger could turn the wheel for ever.
 */
export class TrialKeys {
  readonly #clock: Clock;
  /** Milliseconds in which the bucket drains by one key. */
  readonly #each: number;
  /** Elapsed time at which it is empty. */
  #emptyAt: number;

  /** `days` that a trial lasts after the day of sign-up; `alive`, keys of trials that there are when the program starts. */
  constructor(clock: Clock, days: number, alive: number) {
    this.#clock = clock;
    this.#each = ((days + LAST_DAYS) * DAY) / BURST;
    this.#emptyAt = clock.elapsed() + Math.min(alive, BURST) * this.#each;
  }

  /** Takes the place of one key; false when there is none. */
  take(): boolean {
    const now = this.#clock.elapsed();
    const emptyAt = Math.max(this.#emptyAt, now) + this.#each;
    if (emptyAt - now > BURST * this.#each) return false;
    this.#emptyAt = emptyAt;
    return true;
  }
}
