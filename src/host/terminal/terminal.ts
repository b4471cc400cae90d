// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Clock } from '../../core/clock/clock.ts';

/** Where a program speaks to a person. */
export interface Terminal {
  write(text: string): void;
  /** Whether lines may be redrawn and coloured. */
  readonly interactive: boolean;
}

/**
 * One line a stage, with the time it took, as it ends. On a terminal, one moving line shows what is running; elsewhere
 * that is silent.
 */
export class Progress {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #running: string[] = [];

  constructor(terminal: Terminal, clock: Clock) {
    this.#terminal = terminal;
    this.#clock = clock;
  }

  /** Runs a stage. A failure is marked and passed on. */
  async stage<T>(title: string, work: () => Promise<T>): Promise<T> {
    const start = this.#clock.elapsed();
    if (this.#terminal.interactive && this.#running.length > 0) this.#terminal.write('\r\x1b[K');
    this.#running.push(title);
    this.#show();
    try {
      const result = await work();
      this.#finish('✓', title, start);
      return result;
    } catch (error) {
      this.#finish('✗', title, start);
      throw error;
    }
  }

  #show(): void {
    const [first, ...more] = this.#running;
    if (!this.#terminal.interactive || first === undefined) return;
    this.#terminal.write(`  … ${first}${more.length === 0 ? '' : ` and ${more.length} more`}`);
  }

  #finish(mark: string, title: string, start: number): void {
    const seconds = ((this.#clock.elapsed() - start) / 1000).toFixed(1);
    const line = `  ${mark} ${title.padEnd(56)} ${seconds.padStart(5)} s`;
    this.#terminal.write(this.#terminal.interactive ? `\r\x1b[K${line}\n` : `${line}\n`);
    this.#running.splice(this.#running.indexOf(title), 1);
    this.#show();
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
