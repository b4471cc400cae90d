// SPDX-License-Identifier: AGPL-3.0-or-later
import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { EpochDay } from '../../core/clock/clock.ts';
import type { CredentialSalt } from '../accounts/credential.ts';
import type { UsageKey } from '../usage/tag.ts';

/** What the thread is given when it begins. */
export interface SealingParts {
  /** As for `connect`. */
  readonly place: string;
  readonly salt: CredentialSalt;
  readonly usageKey: UsageKey;
  /** Ed25519, private. */
  readonly signingKey: KeyObject;
}

/** An auth file, and the seats of the licences that are valid by it. */
export interface Sealed {
  readonly version: number;
  readonly bytes: Uint8Array;
  /** Ascending; `seats` has the same order. */
  readonly licences: Float64Array;
  readonly seats: Uint8Array;
}

/** What the thread answers. */
export type SealingAnswer = Sealed | 'failed';

/** The thread could not make a file. Why is not told: it may be about a row. */
export class SealingError extends Error {
  override readonly name = 'SealingError';
}

/**
 * Loads the thread's program. Only this needs the right to read the program's files, which a control below a directory that
 * others may not enter has no more once it has given up root.
 */
export async function loadSealingThread(): Promise<Worker> {
  const thread = new Worker(new URL('./sealing-thread.os.ts', import.meta.url));
  await once(thread, 'message');
  return thread;
}

export interface SealingOptions {
  /** The first thread; without it, one is loaded for the first file. */
  readonly loaded?: Worker | undefined;
  /** A thread has died without being asked to: a new file is due, and with it another thread. */
  readonly died?: () => void;
  /** No thread can be loaded, and so no file will be made any more by this process. */
  readonly lost?: () => void;
}

interface Running {
  readonly thread: Worker;
  /** Aborted when the thread has ended. */
  readonly ended: AbortSignal;
}

/**
 * Makes auth files in a thread of its own, with a connection of its own: reading, hashing and sorting a hundred thousand
 * customers takes seconds, in which pages and API go on.
 *
 *     running --dies--> none --next file--> loading --loaded--> running
 *                                              ^------ cannot: `lost`
 */
export class SealingThread implements AsyncDisposable {
  readonly #parts: SealingParts;
  readonly #options: SealingOptions;
  #running: Running | undefined;
  #closed = false;

  constructor(parts: SealingParts, options: SealingOptions = {}) {
    this.#parts = parts;
    this.#options = options;
    if (options.loaded !== undefined) this.#begin(options.loaded);
  }

  /** One at a time. */
  async seal(day: EpochDay): Promise<Sealed> {
    const { thread, ended } = this.#running ?? (await this.#load());
    thread.postMessage(day, []);
    const [answer] = (await once(thread, 'message', { signal: ended })) as [SealingAnswer];
    if (answer === 'failed') throw new SealingError('no auth file was made');
    return answer;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running?.thread.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #load(): Promise<Running> {
    try {
      return this.#begin(await loadSealingThread());
    } catch (cause) {
      if (!this.#closed) this.#options.lost?.();
      throw new SealingError('no thread could be loaded', { cause });
    }
  }

  #begin(thread: Worker): Running {
    const ending = new AbortController();
    const running = { thread, ended: ending.signal };
    this.#running = running;
    // An error ends the thread. What it says may be about a row.
    thread.on('error', () => undefined);
    thread.once('exit', () => {
      this.#running = undefined;
      ending.abort();
      if (!this.#closed) this.#options.died?.();
    });
    thread.postMessage(this.#parts, []);
    return running;
  }
}
