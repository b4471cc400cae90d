// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Clock } from '../../core/clock/clock.ts';

/** Where a program speaks to a person. */
export interface Terminal {
  write(text: string): void;
  /** Whether lines may be redrawn and coloured. */
  readonly interactive: boolean;
}

/** One line a stage, with the time it took. On a terminal, the running stage shows itself; elsewhere it is silent. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #clock: Clock;

  constructor(terminal: Terminal, clock: Clock) {
    this.#terminal = terminal;
    this.#clock = clock;
  }

  /** Runs a stage. A failure is marked and passed on. */
  async stage<T>(title: string, work: () => Promise<T>): Promise<T> {
    const start = this.#clock.elapsed();
    if (this.#terminal.interactive) this.#terminal.write(`  … ${title}`);
    try {
      const result = await work();
      this.#finish('✓', title, start);
      return result;
    } catch (error) {
      this.#finish('✗', title, start);
      throw error;
    }
  }

  #finish(mark: string, title: string, start: number): void {
    const seconds = ((this.#clock.elapsed() - start) / 1000).toFixed(1);
    const line = `  ${mark} ${title.padEnd(56)} ${seconds.padStart(5)} s`;
    this.#terminal.write(this.#terminal.interactive ? `\r\x1b[K${line}\n` : `${line}\n`);
  }
}

/** Lines up columns; the last one is not padded. */
export function table(rows: readonly (readonly string[])[], gap = '  '): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length);
    });
  }
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join(gap)
      .trimEnd();
  return rows.map((row) => `${line(row)}\n`).join('');
}
