// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Clock } from '../../core/clock/clock.ts';
import type { AccountId } from './account.ts';

export interface AccountLimits {
  /** Acts that an account may do at once. */
  readonly burst: number;
  /** Acts that it may do in the long run. */
  readonly perHour: number;
}

/** Buckets; an account's is that of the first 20 bits of its random id. */
const BUCKETS = 2 ** 20;
const DIGITS = 5;

const HOUR = 3_600_000;

/**
 * A bucket for each account, so that one customer who turns a wheel stops none of the others. There are a million of them, in
 * 8 MiB, however many accounts there are: nothing is kept of who did something, and to be in the way of one customer in ten a
 * stranger needs a hundred thousand accounts that all go on acting.
 */
export class AccountLimiter {
  readonly #clock: Clock;
  readonly #limits: AccountLimits;
  /** Elapsed time at which each bucket is full again, in milliseconds. */
  readonly #fullAt = new Float64Array(BUCKETS);

  constructor(clock: Clock, limits: AccountLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Takes one place; false when the account has none left. */
  spend(account: AccountId): boolean {
    const bucket = Number.parseInt(account.slice(0, DIGITS), 16) % BUCKETS;
    const each = HOUR / this.#limits.perHour;
    const now = this.#clock.elapsed();
    const fullAt = Math.max(this.#fullAt[bucket] as number, now) + each;
    if (fullAt - now > this.#limits.burst * each) return false;
    this.#fullAt[bucket] = fullAt;
    return true;
  }
}
