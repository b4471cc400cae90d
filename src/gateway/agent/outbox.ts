// SPDX-License-Identifier: AGPL-3.0-or-later
import { SENT_EVENT, type UsageBatch } from '../../contracts/fleet/messages.ts';
import type { UsageEvent } from '../../contracts/usage/event.ts';
import type { Journal } from '../../core/journal/journal.ts';
import { below, type Random, shuffled } from '../../core/random/random.ts';

/** `taken`: control has it. `away`: control did not take it, and it must be sent again. */
export type Delivery = 'taken' | 'away';

/** How many events are kept while control is away: about 13 MB, some weeks of a busy gateway. */
export const OUTBOX_BOUND = 65_536;

/** The part of the bound from which the outbox reports that it fills: some thousand events wait only while control is away. */
const FILLING = 1 / 8;

/** Keeps one batch well below what control accepts as a body. */
const BATCH_BOUND = 1000;

/**
 * Usage events on their way out. At each tick every waiting event leaves with probability one half, in random order
 * among the others, so that its arrival does not tell when its session ended: with ticks every fifteen minutes, only
 * that it did so some time in the hours before. Ticks are regular and do not depend on what waits.
 *
 * It lives in memory. What control has not taken when the gateway loses power is gone, and is billed to no one.
 */
export class Outbox {
  readonly #random: Random;
  readonly #journal: Journal;
  readonly #send: (batch: UsageBatch) => Promise<Delivery>;
  readonly #bound: number;
  #waiting: UsageEvent[] = [];
  /** Sent at least once or about to be; oldest first. */
  #batches: UsageBatch[] = [];
  #work: Promise<void> = Promise.resolve();
  #filling = false;

  constructor(deps: {
    readonly random: Random;
    readonly journal: Journal;
    readonly send: (batch: UsageBatch) => Promise<Delivery>;
    readonly bound?: number;
  }) {
    this.#random = deps.random;
    this.#journal = deps.journal;
    this.#send = deps.send;
    this.#bound = deps.bound ?? OUTBOX_BOUND;
  }

  /** Events that control has not taken. */
  get size(): number {
    return this.#batches.reduce((sum, batch) => sum + batch.events.length, this.#waiting.length);
  }

  /** An event that the inventory does not allow is dropped, and said. */
  add(event: UsageEvent): void {
    if (!SENT_EVENT.safeParse(event).success) {
      this.#journal.say({ code: 'exit_refused', store: 'exit.usage' });
      return;
    }
    this.#waiting.push(event);
    this.#keepBound();
    this.#watch();
  }

  /** Resolves when everything that was due has been tried once. */
  tick(): Promise<void> {
    return this.#enqueue(() => below(this.#random, 2) === 1);
  }

  /** Tries to empty the outbox, before the program ends. */
  flush(): Promise<void> {
    return this.#enqueue(() => true);
  }

  /** One delivery at a time: a tick that finds another at work runs after it. */
  #enqueue(leaves: () => boolean): Promise<void> {
    this.#work = this.#work.then(() => {
      this.#pack(leaves);
      return this.#deliver();
    });
    return this.#work;
  }

  #pack(leaves: () => boolean): void {
    const leaving: UsageEvent[] = [];
    const staying: UsageEvent[] = [];
    for (const event of this.#waiting) (leaves() ? leaving : staying).push(event);
    this.#waiting = staying;
    const mixed = shuffled(this.#random, leaving);
    for (let at = 0; at < mixed.length; at += BATCH_BOUND) {
      this.#batches.push({ batch: this.#random.bytes(16).toHex(), events: mixed.slice(at, at + BATCH_BOUND) });
    }
  }

  async #deliver(): Promise<void> {
    for (const batch of this.#batches.slice()) {
      if ((await this.#send(batch)) === 'away') return;
      this.#batches = this.#batches.filter((kept) => kept !== batch);
    }
    this.#watch();
  }

  /** Says when a good part of the room is taken, and when it is free again; never how much, which would tell of sessions. */
  #watch(): void {
    const filling = this.size >= this.#bound * FILLING;
    if (filling !== this.#filling) this.#journal.say({ code: filling ? 'outbox_filling' : 'outbox_emptied' });
    this.#filling = filling;
  }

  /** The oldest batch goes first; of events that never left, the oldest. */
  #keepBound(): void {
    let dropped = 0;
    while (this.size > this.#bound)
      dropped += (this.#batches.shift() ?? { events: this.#waiting.splice(0, 1) }).events.length;
    if (dropped > 0) this.#journal.say({ code: 'outbox_overflowed', dropped });
  }
}
