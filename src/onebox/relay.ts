// SPDX-License-Identifier: AGPL-3.0-or-later
import type { JournalEvent } from '../core/inventory/journal.ts';
import { levelOf } from '../core/journal/level.ts';
import { JournalReader } from '../core/journal/reader.ts';
import type { SpawnOptions } from '../host/processes/process.os.ts';

/** Whose journal an event is from. */
export type Speaker = 'lethe' | 'control' | 'agent' | 'activator';

export type Heard = (from: Speaker, event: JournalEvent) => void;

/** Makes a program's journal heard. Nothing else that it prints goes anywhere. */
export function heardFrom(from: Speaker, heard: Heard | undefined): Pick<SpawnOptions, 'alsoTo'> {
  if (heard === undefined) return {};
  const reader = new JournalReader((event) => heard(from, event));
  return { alsoTo: (text) => reader.take(text) };
}

/** An event as a line: `warning  control    gateway_lost gateway=zrh-01` for people, JSON for programs. */
export function journalLine(from: Speaker, event: JournalEvent, forPeople: boolean): string {
  const level = levelOf(event);
  if (!forPeople) return `${JSON.stringify({ level, from, ...event })}\n`;
  const { code, ...fields } = event;
  const words = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  return `${[level.padEnd(8), from.padEnd(10), code, ...words].join(' ')}\n`;
}
