// SPDX-License-Identifier: AGPL-3.0-or-later
import { once } from 'node:events';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Clock } from '../../../core/clock/clock.ts';
import { DaemonContact } from '../../../core/journal/contact.ts';
import type { Journal } from '../../../core/journal/journal.ts';

/** Names that were asked for through a tunnel are forgotten at the latest this long after the next disconnect. */
const RECYCLE_EVERY = 15_000;

/** Longer than a reload takes, shorter than anyone would wait for the next. Milliseconds. */
const RELOAD_TIMEOUT = 5000;

/**
 * Makes the resolver forget after customers have left. A reload empties its caches; flushing a zone only marks what is
 * there as stale. Questions that arrive meanwhile wait in its sockets.
 */
export class ResolverRecycling {
  readonly #socket: string;
  readonly #clock: Clock;
  readonly #contact: DaemonContact;
  readonly #recycled: () => void;
  readonly #interval: number;
  #timer: NodeJS.Timeout | undefined;
  #last = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(parts: {
    socket: string;
    clock: Clock;
    journal: Journal;
    interval?: number;
    /** Never said in the journal: the time of a recycling tells when a customer left. */
    recycled?: () => void;
  }) {
    this.#socket = parts.socket;
    this.#clock = parts.clock;
    this.#contact = new DaemonContact(parts.journal, 'unbound');
    this.#recycled = parts.recycled ?? (() => undefined);
    this.#interval = parts.interval ?? RECYCLE_EVERY;
  }

  /** A session has ended. Any number of them within an interval is answered by one reload. */
  disconnected(): void {
    if (this.#timer !== undefined || this.#stopped) return;
    const wait = Math.max(0, this.#last + this.#interval - this.#clock.elapsed());
    this.#timer = setTimeout(() => void this.#recycle(), wait);
    this.#timer.unref();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #recycle(): Promise<void> {
    this.#last = this.#clock.elapsed();
    // From here on, a disconnect asks for the next reload: this one may be past the caches already.
    this.#timer = undefined;
    const answered = await reload(this.#socket);
    if (this.#stopped) return;
    if (answered) {
      this.#contact.found();
      this.#recycled();
      return;
    }
    this.#contact.lost();
    this.disconnected();
  }
}

/** The first version of unbound's control protocol: one line there, `ok` or an error back, and the end. */
async function reload(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    socket.setTimeout(RELOAD_TIMEOUT, () => socket.destroy(new Error('no answer')));
    socket.write('UBCT1 reload\n');
    return (await text(socket)) === 'ok\n';
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
