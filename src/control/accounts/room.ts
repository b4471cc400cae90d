// SPDX-License-Identifier: AGPL-3.0-or-later
import { mostLogins } from '../../contracts/authfile/size.ts';
import { TUNNELS } from '../../contracts/plan/plan.ts';
import { innerPools } from '../../contracts/plan/pool.ts';
import type { Journal } from '../../core/journal/journal.ts';

/** More accounts than this would not fit into an auth file, where each has a login and all inner addresses have a key. */
export const MOST_ACCOUNTS = mostLogins(innerPools(TUNNELS.wireguard).hosts);

/**
 * What a service takes unless its operator says otherwise: a gateway of 1 GiB serves so many, as README measures it. At the
 * highest rate of sign-ups it is full after a day and a quarter, and what was never paid for is gone four months later.
 */
export const USUAL_ACCOUNTS = 1_000_000;

/** The part of the room that is taken when the operator is told. */
const FILLING = 0.9;

/** What came of making an account. */
export interface Made<T> {
  /** Whether there is one more. */
  readonly made: boolean;
  readonly answer: T;
}

export interface RoomContext {
  /** The most accounts that there may be. */
  readonly most: number;
  /** Counts those that there are. */
  readonly count: () => Promise<number>;
  readonly journal: Journal;
}

/**
 * Room for accounts, of which a stranger can make as many as he likes for nothing. They are counted at the start and after
 * each round of housekeeping; between two counts what is made is added, and what is deleted is not yet taken away. Several
 * controls of one database may so make, each in the time between two counts, what the rate of sign-ups allows.
 *
 *     free <--counted--> filling <--counted-- full
 *       '----- taken -----^  '----- taken -----^
 */
export class Room {
  readonly #context: RoomContext;
  #taken = 0;
  /** Places of accounts that are being made. */
  #making = 0;
  /** Of a count that is under way: places that it may have missed. */
  #missed = 0;
  #state: 'free' | 'filling' | 'full' = 'free';

  constructor(context: RoomContext) {
    this.#context = context;
  }

  /** What is being made meanwhile is added, so that it may be counted twice until the next count, and is never missed. */
  async recount(): Promise<void> {
    this.#missed = this.#making;
    const counted = await this.#context.count();
    this.#taken = counted + this.#missed;
    this.#say();
  }

  /** Takes a place while `make` makes an account, and keeps it if there is one more. `full`: there is none. */
  async take<T>(make: () => Promise<Made<T>>): Promise<T | 'full'> {
    if (this.#taken >= this.#context.most) return 'full';
    this.#change(1);
    this.#making += 1;
    let kept = false;
    try {
      const { made, answer } = await make();
      kept = made;
      return answer;
    } finally {
      this.#making -= 1;
      if (!kept) this.#change(-1);
    }
  }

  #change(places: 1 | -1): void {
    this.#taken += places;
    this.#missed += places;
    this.#say();
  }

  #say(): void {
    const { most, journal } = this.#context;
    const accounts = this.#taken;
    const state = accounts >= most ? 'full' : accounts >= most * FILLING ? 'filling' : 'free';
    if (state === this.#state) return;
    this.#state = state;
    if (state === 'free') journal.say({ code: 'accounts_freed' });
    else journal.say({ code: state === 'full' ? 'accounts_full' : 'accounts_filling', accounts, most });
  }
}
