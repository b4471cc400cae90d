// SPDX-License-Identifier: AGPL-3.0-or-later
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../core/clock/clock.ts';

export interface FailureLimits {
  /** Failures that cost no wait. */
  readonly burst: number;
  /** Failures per second that are answered after the burst. */
  readonly perSecond: number;
  /** The longest wait, in milliseconds. Beyond it the answer is `busy` at once. */
  readonly longest: number;
}

/**
 * One bucket for everybody. The usual bucket per address would have to know addresses; this one knows a number.
 *
 * It need not stop guessing, for secrets of 90 bits and more cannot be guessed: at a million tries a second, one of a
 * billion account numbers is hit after tens of thousands of years. It bounds the load of those who try. Only failures
 * pass through it, so no flood of failures ever keeps out a customer who has the right number.
 */
export class FailureLimiter {
  readonly #clock: Clock;
  readonly #limits: FailureLimits;
  readonly #wait: (milliseconds: number) => Promise<unknown>;
  /** Elapsed time at which the bucket is full again. */
  #fullAt = 0;

  constructor(clock: Clock, limits: FailureLimits, wait: (milliseconds: number) => Promise<unknown> = delay) {
    this.#clock = clock;
    this.#limits = limits;
    this.#wait = wait;
  }

  /** Takes one place. Resolves to true after the wait that the place costs, to false at once when none is left. */
  async spend(): Promise<boolean> {
    const { burst, perSecond, longest } = this.#limits;
    const now = this.#clock.elapsed();
    const fullAt = Math.max(this.#fullAt, now) + 1000 / perSecond;
    const wait = fullAt - now - (burst * 1000) / perSecond;
    if (wait > longest) return false;
    this.#fullAt = fullAt;
    if (wait > 0) await this.#wait(wait);
    return true;
  }
}
