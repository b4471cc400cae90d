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

/**
 * Makes auth files in a thread of its own, with a connection of its own: reading, hashing and sorting a hundred thousand
 * customers takes seconds, in which pages and API go on. A thread that dies is followed by another at the next file.
 */
export class SealingThread implements AsyncDisposable {
  readonly #parts: SealingParts;
  #thread: Worker | undefined;

  /** `loaded`: the first thread; without it, one is loaded for the first file. */
  constructor(parts: SealingParts, loaded?: Worker) {
    this.#parts = parts;
    if (loaded !== undefined) this.#begin(loaded);
  }

  /** One at a time. */
  async seal(day: EpochDay): Promise<Sealed> {
    const thread = this.#thread ?? this.#begin(await loadSealingThread());
    thread.postMessage(day, []);
    const [answer] = (await once(thread, 'message')) as [SealingAnswer];
    if (answer === 'failed') throw new SealingError('no auth file was made');
    return answer;
  }

  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #begin(thread: Worker): Worker {
    this.#thread = thread;
    thread.postMessage(this.#parts, []);
    thread.once('exit', () => {
      if (this.#thread === thread) this.#thread = undefined;
    });
    return thread;
  }
}
