// SPDX-License-Identifier: AGPL-3.0-or-later
import { parseIsoDate } from '../../core/clock/clock.ts';
import { isDeclared } from '../../core/inventory/guard.ts';
import { PROTOCOLS } from '../../core/sessions/session.ts';
import type { StoredEvent } from './usage.store.ts';

export interface UsageBatch {
  readonly batch: string;
  readonly events: readonly StoredEvent[];
}

/** More than an outbox sends at once. */
const MOST_EVENTS = 20_000;

/**
 * Reads a batch as a gateway sent it. Hostile input: any JSON value. Undefined unless each event has exactly the
 * declared fields with values of their kinds; one field too many refuses the whole batch.
 */
export function parseBatch(value: unknown): UsageBatch | undefined {
  const { events, ...rest } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (!isDeclared('exit.usage_batch', rest) || !Array.isArray(events) || events.length > MOST_EVENTS) return undefined;
  const sound = events.every((event: unknown) => isDeclared('exit.usage', event) && isPlausible(event));
  return sound ? { batch: rest.batch as string, events: events as StoredEvent[] } : undefined;
}

function isPlausible(event: Readonly<Record<string, unknown>>): boolean {
  return (
    parseIsoDate(event.date as string) !== undefined &&
    /^[0-9a-f]{16}$/.test(event.user as string) &&
    (PROTOCOLS as readonly string[]).includes(event.protocol as string)
  );
}
