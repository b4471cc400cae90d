// SPDX-License-Identifier: AGPL-3.0-or-later
import { writeSync } from 'node:fs';
import { type Journal, writingJournal } from '../../core/journal/journal.ts';
import { giveUpRoot, type User, type UserCalls, watchParent } from '../processes/privileges.os.ts';

/** One sentence for the operator, in place of what was asked for. */
interface Problem {
  readonly problem: string;
}

export type StopSignal = 'SIGTERM' | 'SIGINT';

export interface Served {
  /** Ends the service in order. The program has said `stopped` and ends with 0 after it. No signal: its parent is gone. */
  readonly close: (signal: StopSignal | undefined) => Promise<void>;
  /** Printed as one JSON line before the journal begins, for the program that started it. */
  readonly ready?: object;
  /**
   * Whether it also ends with the process that started it. The kernel forgets that a process was to die with its parent
   * when it changes its user.
   */
  readonly endsWithParent?: boolean;
}

/**
 * What every program of ours does the same way: it refuses with one sentence, becomes an unprivileged user, serves until
 * it is asked to stop, and dies of an uncaught error without printing it. Standard output carries the journal.
 */
export class Program {
  readonly #name: string;
  readonly journal: Journal;

  /** `failureOf` gives the closed code of an error that ends the program; all others are reported as `uncaught`. */
  constructor(name: string, failureOf: (error: unknown) => string | undefined = () => undefined) {
    this.#name = name;
    this.journal = writingJournal((line) => this.print(line));
    // The runtime would print the error with all that it holds.
    process.on('uncaughtException', (error) => this.fail(failureOf(error) ?? 'uncaught'));
  }

  /** Ends with 1 and the code of a failure that only a new start can mend. */
  fail(failure: string): never {
    this.journal.say({ code: 'failed', program: this.#name, failure });
    process.exit(1);
  }

  /** Writes to standard output at once, also when the program ends right after it. */
  print(text: string): void {
    writeSync(1, text);
  }

  /** Prints what was asked for and ends. A reader that has read enough, such as `head`, is no failure. */
  answer(text: string): never {
    try {
      this.print(text);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
    }
    process.exit(0);
  }

  /** Ends with 1 and one sentence on standard error. */
  refuse(problem: string): never {
    writeSync(2, `${problem}\n`);
    process.exit(1);
  }

  /** What was loaded; a problem ends the program. */
  accept<T extends object>(loaded: T | Problem): T {
    return 'problem' in loaded ? this.refuse(loaded.problem) : loaded;
  }

  /** Becomes the user for good, where the program runs as root. */
  giveUpRoot(user: User | undefined): void {
    const kept = giveUpRoot(user, process as UserCalls);
    if (kept !== undefined) this.refuse(kept.problem);
  }

  /** Says that the program serves, and ends it in order at SIGTERM or SIGINT. */
  serve({ close, ready, endsWithParent = false }: Served): void {
    const { journal } = this;
    const program = this.#name;
    let stopping = false;
    const stop = async (signal?: StopSignal): Promise<void> => {
      if (stopping) return;
      stopping = true;
      unwatch();
      await close(signal);
      journal.say({ code: 'stopped', program });
      process.exit(0);
    };
    const unwatch = endsWithParent ? watchParent(() => void stop()) : () => undefined;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void stop(signal));
    if (ready !== undefined) this.print(`${JSON.stringify(ready)}\n`);
    journal.say({ code: 'started', program });
  }
}

type ErrorClass = abstract new (...words: never[]) => Error;

/**
 * One sentence about why a program cannot start. Only errors of the classes given are shown: unforeseen ones
 * may hold anything.
 */
export function startProblem(error: unknown, shown: readonly ErrorClass[]): string {
  const known = shown.find((one) => error instanceof one);
  return known === undefined ? 'The program could not start.' : (error as Error).message;
}
