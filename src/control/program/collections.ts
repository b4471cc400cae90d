// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Clock } from '../../core/clock/clock.ts';

/** Milliseconds without a request after which garbage is collected, and the longest that the first one waits for that. */
export const REST = 1000;
export const LONGEST_WAIT = 15_000;
/** Milliseconds after which it is done once more: until then an open connection has held the last answer. */
export const AFTERWARDS = 10_000;
/** Collecting takes a fiftieth of the time at most. */
const SHARE = 50;

/**
 * When the garbage of answers is collected. What was shown to a customer is garbage as soon as it is sent, and stays in memory
 * until V8 has a reason to collect, which it may not have for hours. So it is given one: as soon as requests pause, and under
 * load in between, because a request that comes meanwhile waits.
 *
 *     clean --request--> due --REST or LONGEST_WAIT--> collected --AFTERWARDS--> clean
 *                         ^------------- request ---------'
 */
export class Collections {
  readonly #clock: Clock;
  readonly #collect: () => void;
  /** Elapsed time of the first request since the last collection, and of the last one. */
  #first: number | undefined;
  #last = 0;
  /** Elapsed time before which none begins. */
  #notBefore = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(clock: Clock, collect: () => void) {
    this.#clock = clock;
    this.#collect = collect;
  }

  /** Says that something was asked, and so may have been shown. */
  asked(): void {
    this.#last = this.#clock.elapsed();
    if (this.#first !== undefined) return;
    this.#first = this.#last;
    this.#plan();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #plan(): void {
    const wait = this.#due() - this.#clock.elapsed();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), Math.max(0, wait)).unref();
  }

  #due(): number {
    const first = this.#first ?? this.#last;
    return Math.max(this.#notBefore, Math.min(this.#last + REST, first + LONGEST_WAIT));
  }

  #look(): void {
    if (this.#clock.elapsed() < this.#due()) this.#plan();
    else {
      this.#first = undefined;
      this.#run();
      this.#timer = setTimeout(
        () => this.#run(),
        Math.max(AFTERWARDS, this.#notBefore - this.#clock.elapsed()),
      ).unref();
    }
  }

  #run(): void {
    const before = this.#clock.elapsed();
    this.#collect();
    const now = this.#clock.elapsed();
    this.#notBefore = now + (now - before) * SHARE;
  }
}
