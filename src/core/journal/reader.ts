// SPDX-License-Identifier: AGPL-3.0-or-later
import { isDeclared } from '../inventory/guard.ts';
import type { JournalEvent } from '../inventory/journal.ts';

/** Characters of the longest line that can be an event. */
const LONGEST = 4096;

/**
 * Reads the journal of another program from its output. A line that is not exactly a declared event is passed over:
 * whatever else a program prints, it goes no further.
 */
export class JournalReader {
  readonly #heard: (event: JournalEvent) => void;
  #rest = '';

  constructor(heard: (event: JournalEvent) => void) {
    this.#heard = heard;
  }

  /** Takes the next piece of output, wherever it was cut. */
  take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    // A line without an end is longer than any event; its end is passed over with it.
    this.#rest = (lines.pop() ?? '').slice(0, LONGEST + 1);
    for (const line of lines) {
      const event = line.length > LONGEST ? undefined : readEvent(line);
      if (event !== undefined) this.#heard(event);
    }
  }
}

/** The event of a journal line. Any text is allowed. */
export function readEvent(line: string): JournalEvent | undefined {
  if (!line.startsWith('{')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const { code, ...fields } = value as Record<string, unknown>;
  return typeof code === 'string' && isDeclared(`journal.${code}`, fields) ? (value as JournalEvent) : undefined;
}
