// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Clock } from '../../src/core/clock/clock.ts';

/** One thing that the demo showed, or failed to show. */
export interface Step {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly detail?: string;
}

/** A step did not hold; the demo ends and says which. */
export class StepFailed extends Error {
  override readonly name = 'StepFailed';
}

/** A person has seen enough. */
export class Stopped extends Error {
  override readonly name = 'Stopped';
}

/** Keeps account of the steps, and tells of each as it ends. */
export class Steps {
  readonly done: Step[] = [];
  readonly #clock: Clock;
  readonly #tell: (step: Step) => void;
  readonly #isStopped: () => boolean;

  constructor(clock: Clock, tell: (step: Step) => void, isStopped: () => boolean) {
    this.#clock = clock;
    this.#tell = tell;
    this.#isStopped = isStopped;
  }

  /**
   * Runs a step; `detail` says in a few words what was seen. A step that throws did not hold. Throws {@link Stopped} before
   * the next one when that is wished.
   */
  async take<T>(name: string, work: () => Promise<T>, detail: (result: T) => string = () => ''): Promise<T> {
    if (this.#isStopped()) throw new Stopped();
    const start = this.#clock.elapsed();
    const end = (ok: boolean, text: string): void => {
      const ms = Math.round(this.#clock.elapsed() - start);
      const step: Step = { name, ok, ms, ...(text === '' ? {} : { detail: text }) };
      this.done.push(step);
      this.#tell(step);
    };
    try {
      const result = await work();
      end(true, detail(result));
      return result;
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown';
      end(false, reason);
      throw new StepFailed(`${name}: ${reason}`, { cause: error });
    }
  }
}

/** Fails the running step with a reason unless a condition holds. */
export function hold(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new StepFailed(otherwise);
}
