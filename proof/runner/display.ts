// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Clock } from '../../src/core/clock/clock.ts';
import type { Terminal } from '../../src/host/terminal/terminal.ts';

/** Where a run is. */
export interface State {
  readonly done: number;
  readonly total: number;
  /** Tests that have failed. */
  readonly failed: number;
  readonly running: readonly { readonly file: string; readonly seconds: number }[];
  /** Seconds; undefined when no earlier run tells. */
  readonly left: number | undefined;
}

/** Without a terminal, silence is broken after so many milliseconds. */
const SILENCE = 60_000;

/**
 * Lines that stay, and what is running now: on a terminal as one line that moves below them, elsewhere as a line now and
 * then.
 */
export class Display {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #columns: () => number;
  #spoke: number;

  /** `columns` gives the width of the terminal, which may change. */
  constructor(terminal: Terminal, clock: Clock, columns: () => number) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#columns = columns;
    this.#spoke = clock.elapsed();
  }

  /** Prints what stays; it ends with a line break. */
  print(text: string): void {
    this.#terminal.write(this.#terminal.interactive ? `\r\x1b[K${text}` : text);
    this.#spoke = this.#clock.elapsed();
  }

  /** To be called every second or so. */
  show(state: State): void {
    if (this.#terminal.interactive) this.#terminal.write(`\r\x1b[K${statusLine(state, this.#columns())}`);
    else if (this.#clock.elapsed() - this.#spoke >= SILENCE) this.print(`${stillRunning(state)}\n`);
  }
}

/** `12 of 177 files, 1 failed, 19 min left: proof/demo/kill.test.ts 92 s`, cut so that it stays one line. */
export function statusLine(state: State, columns: number): string {
  const running = state.running.map(({ file, seconds }) => `${file} ${seconds.toFixed(0)} s`);
  return `${progress(state)}: ${running.join(', ')}`.slice(0, Math.max(0, columns - 1));
}

/** `running for 92 s: proof/demo/kill.test.ts (12 of 177 files, 19 min left)` */
export function stillRunning(state: State): string {
  const running = state.running.map(({ file, seconds }) => `running for ${seconds.toFixed(0)} s: ${file}`);
  return `${running.join(', ')} (${progress(state)})`;
}

function progress({ done, total, failed, left }: State): string {
  const parts = [`${done} of ${total} files`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (left === 0) parts.push('later than last time');
  else if (left !== undefined) parts.push(`${duration(left)} left`);
  return parts.join(', ');
}

/** `40 s`, `19 min`: an estimate is not more exact than that. */
export function duration(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
