// SPDX-License-Identifier: AGPL-3.0-or-later
import { assertDeclared } from '../inventory/guard.ts';
import type { JournalEvent } from '../inventory/journal.ts';

/**
 * The one way to say something operational. An event is a member of a closed union whose every field is declared in
 * the inventory; there is no free text, so nothing about a customer can be written by accident.
 */
export interface Journal {
  say(event: JournalEvent): void;
}

/** Writes one JSON object a line. An event that the inventory does not know throws instead of being written. */
export function writingJournal(write: (line: string) => void): Journal {
  return {
    say(event) {
      const { code, ...fields } = event;
      assertDeclared(`journal.${code}`, fields);
      write(`${JSON.stringify(event)}\n`);
    },
  };
}

/** Remembers what was said, for tests. */
export class RecordingJournal implements Journal {
  readonly events: JournalEvent[] = [];

  say(event: JournalEvent): void {
    const { code, ...fields } = event;
    assertDeclared(`journal.${code}`, fields);
    this.events.push(event);
  }

  codes(): string[] {
    return this.events.map((event) => event.code);
  }
}
