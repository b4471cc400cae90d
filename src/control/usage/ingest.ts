// SPDX-License-Identifier: AGPL-3.0-or-later
import type { UsageBatch } from '../../contracts/fleet/messages.ts';
import type { UsageEvent } from '../../contracts/usage/event.ts';
import { type Clock, today } from '../../core/clock/clock.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { Random } from '../../core/random/random.ts';
import type { Database } from '../database/tables.ts';
import { believable, type NetworkNames } from './believable.ts';
import { monthOf, saltsFor } from './salt.store.ts';
import { storedTagOf, type UsageKey } from './tag.ts';
import { type StoredEvent, storeBatch } from './usage.store.ts';

export interface IngestContext {
  readonly db: Database;
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  readonly usageKey: UsageKey;
  readonly names: NetworkNames;
}

/** Who sends. */
export interface Sender {
  readonly gateway: string;
  readonly location: string;
}

/**
 * Takes batches of events: what no honest gateway says is left out and said once of each gateway, and the rest is stored
 * under tags that no gateway knows.
 */
export class UsageIngest {
  readonly #context: IngestContext;
  readonly #said = new Set<string>();

  constructor(context: IngestContext) {
    this.#context = context;
  }

  async take({ gateway, location }: Sender, { batch, events }: UsageBatch): Promise<void> {
    const { db, clock, random, usageKey, names } = this.#context;
    const day = today(clock);
    const kept = events.flatMap((event) => believable(event, { location, day, names }) ?? []);
    if (kept.length < events.length) this.#say(gateway);
    const salts = await saltsFor(
      db,
      kept.map((event) => monthOf(event.date)),
      random,
    );
    const tagged = ({ user, ...facts }: UsageEvent): StoredEvent => {
      const salt = salts.get(monthOf(facts.date)) as Uint8Array;
      return { user: storedTagOf(usageKey, salt, user), ...facts };
    };
    await storeBatch(db, batch, day, kept.map(tagged));
  }

  #say(gateway: string): void {
    if (!this.#said.has(gateway)) this.#context.journal.say({ code: 'events_refused', gateway });
    this.#said.add(gateway);
  }
}
