// SPDX-License-Identifier: AGPL-3.0-or-later

/** A day, counted from 1970-01-01 UTC. It is the finest time the service may keep about a customer. */
export type EpochDay = number & { readonly __unit: 'epoch day' };

/** Wall time and elapsed time, passed to whatever needs them; nothing else in the house reads a clock. */
export interface Clock {
  /** Milliseconds since the Unix epoch. May jump in either direction. */
  wall(): number;
  /** Milliseconds from an arbitrary start, the same for all programs until the machine starts again. Never goes back. */
  elapsed(): number;
}

export const systemClock: Clock = {
  wall: () => Date.now(),
  elapsed: () => {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1000 + nanoseconds / 1e6;
  },
};

/** A clock for tests: its time moves only when the test moves it. */
export class ManualClock implements Clock {
  #wall: number;
  #elapsed = 0;

  constructor(wall: number) {
    this.#wall = wall;
  }

  wall(): number {
    return this.#wall;
  }

  elapsed(): number {
    return this.#elapsed;
  }

  /** Lets time pass as it does on a healthy machine. */
  advance(milliseconds: number): void {
    this.#wall += milliseconds;
    this.#elapsed += milliseconds;
  }

  /** Moves the wall clock alone, as an operator or a broken time server does. */
  jump(milliseconds: number): void {
    this.#wall += milliseconds;
  }
}

const DAY = 86_400_000;

export function today(clock: Clock): EpochDay {
  return Math.floor(clock.wall() / DAY) as EpochDay;
}

/**
 * `2026-11-21`. By arithmetic (`civil_from_days`, `howardhinnant.github.io/date_algorithms.html`), as a Date takes ten times as
 * long to be written, and each event and each answer has one. A year begins in March there, so that the leap day is its
 * last, and 400 years have 146,097 days.
 */
export function isoDate(day: EpochDay): string {
  const sinceMarch0 = day + 719_468;
  const era = Math.floor(sinceMarch0 / 146_097);
  const dayOfEra = sinceMarch0 - era * 146_097;
  const leapDays = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const date = dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  return `${String(year).padStart(4, '0')}-${month < 10 ? '0' : ''}${month}-${date < 10 ? '0' : ''}${date}`;
}

/** The inverse of {@link isoDate}; undefined for anything that is not a calendar date written that way. */
export function parseIsoDate(text: string): EpochDay | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const milliseconds = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(milliseconds)) return undefined;
  const day = Math.floor(milliseconds / DAY) as EpochDay;
  return isoDate(day) === text ? day : undefined;
}
