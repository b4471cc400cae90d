// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Clock, EpochDay } from '../../core/clock/clock.ts';
import type { UsageRecord } from '../../core/sessions/session.ts';

/** Records that wait at a time, one for each customer's network and day; beyond that the oldest is let go. */
export const MOST_RESTING = 65_536;

/** A record with the day on which its session ended. */
export interface DatedRecord {
  readonly record: UsageRecord;
  readonly day: EpochDay;
}

/**
 * What devices have used that fell idle, and may only be asleep. A WireGuard device that nobody touches wakes for a moment now
 * and then: each time is a session with a seat of its own, but an event for each would count a megabyte for some bytes, and
 * tell how often the device woke. So they are added up, and are one event once there was none for as long as `rest`.
 *
 * A record that waits is as coarse as the event that it becomes: no address, no key, no handle, no time but the clock's
 * reading after which it is let go. A gateway that is killed loses what waits.
 */
export class Rests {
  readonly #clock: Clock;
  readonly #rest: number;
  readonly #letGo: (dated: DatedRecord) => void;
  /** The one that was added to last is the last. */
  readonly #waiting = new Map<string, { record: UsageRecord; day: EpochDay; until: number }>();

  /** `rest` is in milliseconds. */
  constructor(parts: { clock: Clock; rest: number; letGo: (dated: DatedRecord) => void }) {
    this.#clock = parts.clock;
    this.#rest = parts.rest;
    this.#letGo = parts.letGo;
  }

  /** A session whose device may only rest. */
  add(record: UsageRecord, day: EpochDay): void {
    const whole = this.#withWaiting(record, day);
    this.#waiting.set(keyOf(record, day), { record: whole, day, until: this.#clock.elapsed() + this.#rest });
    for (const key of this.#waiting.keys()) {
      if (this.#waiting.size <= MOST_RESTING) break;
      this.#release(key);
    }
  }

  /** A session that is over for good: what waits of the same customer goes with it. */
  over(record: UsageRecord, day: EpochDay): void {
    this.#letGo({ record: this.#withWaiting(record, day), day });
  }

  /** Lets go of those who did not come back. */
  sweep(): void {
    const now = this.#clock.elapsed();
    for (const [key, { until }] of this.#waiting) {
      if (until > now) return;
      this.#release(key);
    }
  }

  /** Lets go of all. */
  close(): void {
    for (const key of this.#waiting.keys()) this.#release(key);
  }

  #release(key: string): void {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (waiting !== undefined) this.#letGo({ record: waiting.record, day: waiting.day });
  }

  #withWaiting(record: UsageRecord, day: EpochDay): UsageRecord {
    const key = keyOf(record, day);
    const before = this.#waiting.get(key)?.record.totalBytes ?? 0;
    this.#waiting.delete(key);
    return { ...record, totalBytes: before + record.totalBytes };
  }
}

/** Sessions with equal keys would make equal events, but for the megabytes. */
function keyOf({ usageTag, protocol, origin }: UsageRecord, day: EpochDay): string {
  return [day, usageTag, protocol, origin.country, origin.isp].join(' ');
}
