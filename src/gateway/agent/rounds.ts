// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Journal } from '../../core/journal/journal.ts';
import { fraction, type Random } from '../../core/random/random.ts';

export interface Round {
  /** A word for the journal. */
  readonly name: string;
  /** Milliseconds from the end of one run to the start of the next. */
  readonly interval: number;
  /** How far a wait may differ from the interval, as a part of it: 0.2 is a fifth, either way. */
  readonly jitter?: number;
  /** Milliseconds before the first run; the interval when left out. */
  readonly first?: number;
  readonly run: () => void | Promise<void>;
}

/** Things done again and again. A run that fails is reported, and the round goes on. */
export class Rounds {
  readonly #random: Random;
  readonly #journal: Journal;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #stopped = false;

  constructor(random: Random, journal: Journal) {
    this.#random = random;
    this.#journal = journal;
  }

  start(round: Round): void {
    this.#schedule(round, round.first ?? this.#wait(round));
  }

  /** A run that is under way goes on to its end. */
  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
  }

  #wait({ interval, jitter = 0 }: Round): number {
    return interval * (1 + jitter * (2 * fraction(this.#random) - 1));
  }

  #schedule(round: Round, wait: number): void {
    this.#timers.set(
      round.name,
      setTimeout(() => void this.#run(round), wait),
    );
  }

  async #run(round: Round): Promise<void> {
    try {
      await round.run();
    } catch {
      this.#journal.say({ code: 'failed', program: 'gateway', failure: round.name });
    }
    if (!this.#stopped) this.#schedule(round, this.#wait(round));
  }
}
