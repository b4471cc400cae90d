// SPDX-License-Identifier: AGPL-3.0-or-later
import type { JournalEvent } from '../inventory/journal.ts';
import type { Journal } from './journal.ts';

/** Reports once that the other side is lost, and once that it is found again, however often it is missed in between. */
export class Contact {
  readonly #journal: Journal;
  readonly #words: { readonly lost: JournalEvent; readonly found: JournalEvent };
  #lost = false;

  constructor(journal: Journal, words: { readonly lost: JournalEvent; readonly found: JournalEvent }) {
    this.#journal = journal;
    this.#words = words;
  }

  lost(): void {
    if (!this.#lost) this.#journal.say(this.#words.lost);
    this.#lost = true;
  }

  /** To be called whenever it answers. Says nothing when it was not lost. */
  found(): void {
    if (this.#lost) this.#journal.say(this.#words.found);
    this.#lost = false;
  }
}

/** The contact to a daemon of the gateway. */
export class DaemonContact extends Contact {
  readonly #journal: Journal;
  readonly #daemon: string;

  constructor(journal: Journal, daemon: string) {
    super(journal, { lost: { code: 'daemon_lost', daemon }, found: { code: 'daemon_found', daemon } });
    this.#journal = journal;
    this.#daemon = daemon;
  }

  /** The daemon sent something that is not its protocol. Said each time; it counts as neither lost nor found. */
  junk(): void {
    this.#journal.say({ code: 'daemon_spoke_junk', daemon: this.#daemon });
  }
}
