// SPDX-License-Identifier: AGPL-3.0-or-later

import { type Clock, type EpochDay, isoDate, today } from '../../core/clock/clock.ts';
import type { Journal } from '../../core/journal/journal.ts';
import { deleteEnded } from '../accounts/account.store.ts';
import { deleteClosed } from '../accounts/closed.store.ts';
import { deleteTrialKeys } from '../accounts/device.store.ts';
import { forgetOrder } from '../database/forget.store.ts';
import type { Database } from '../database/tables.ts';
import { deleteActivations } from '../installs/activation.store.ts';
import { deleteSalts, monthOf } from '../usage/salt.store.ts';
import { deleteBatches, deleteEvents } from '../usage/usage.store.ts';

/** How many days rows stay, as the inventory says in words. */
const RETENTION = { events: 730, batches: 2, closedAccounts: 2, endedLicences: 90 } as const;

/** Between two rounds, in milliseconds; but a round may take at most a fiftieth of the time. */
const PAUSE = 3_600_000;
const SHARE = 50;

/** Deletes what has had its time, and makes the order of arrival unknowable. */
export async function forget(db: Database, day: EpochDay): Promise<void> {
  const ago = (days: number) => (day - days) as EpochDay;
  await deleteTrialKeys(db, day);
  await deleteEnded(db, day, ago(RETENTION.endedLicences));
  await deleteClosed(db, ago(RETENTION.closedAccounts));
  await deleteEvents(db, ago(RETENTION.events));
  await deleteActivations(db, ago(RETENTION.events));
  await deleteSalts(db, monthOf(isoDate((day - Number(isoDate(day).slice(8))) as EpochDay)));
  await deleteBatches(db, ago(RETENTION.batches));
  await forgetOrder(db);
}

/** Forgets at the start, and then every hour. A round that fails is reported and tried again with the next. */
export class Housekeeping {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #journal: Journal;
  readonly #after: () => Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  /** `after` is called after each round, when there is room again. */
  constructor(db: Database, clock: Clock, journal: Journal, after: () => Promise<void> = async () => undefined) {
    this.#db = db;
    this.#clock = clock;
    this.#journal = journal;
    this.#after = after;
  }

  start(): void {
    this.#running = this.#runAndPlan();
  }

  async round(): Promise<void> {
    try {
      await forget(this.#db, today(this.#clock));
      await this.#after();
    } catch {
      this.#journal.say({ code: 'failed', program: 'control', failure: 'housekeeping' });
    }
  }

  /** Resolves when a round that runs is over. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  async #runAndPlan(): Promise<void> {
    const started = this.#clock.elapsed();
    await this.round();
    if (this.#stopped) return;
    const pause = Math.max(PAUSE, (this.#clock.elapsed() - started) * SHARE);
    this.#timer = setTimeout(() => this.start(), pause);
  }
}
