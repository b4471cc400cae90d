// SPDX-License-Identifier: AGPL-3.0-or-later
import { isDeclared } from '../../core/inventory/guard.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { Beat } from '../sessions/live.ts';
import type { Batch } from './outbox.ts';

/** What a gateway says about itself once a minute (S10, S12). */
export interface Status {
  readonly gateway: string;
  readonly configuration: 'in_force' | 'drifted';
  /** Version of the auth file in force, 0 before the first. */
  readonly authfile: number;
  readonly release: string;
}

export type Message =
  | { readonly kind: 'beats'; readonly beats: readonly Beat[] }
  | { readonly kind: 'usage'; readonly batch: Batch }
  | { readonly kind: 'status'; readonly status: Status };

const PASSED = Symbol('passed the exit');

/** A body that the inventory allows. Only the exit can make one, and only such a body can be sent. */
export interface Outgoing {
  readonly [PASSED]: true;
  readonly path: string;
  readonly body: string;
}

/**
 * The gateway's one exit for data (G7). Every record of every message is compared with its declaration; a message that
 * carries anything else is not sent, and that is said. Undefined then.
 */
export function passExit(message: Message, journal: Journal): Outgoing | undefined {
  for (const [store, record] of recordsOf(message)) {
    if (isDeclared(store, record)) continue;
    journal.say({ code: 'exit_refused', store });
    return undefined;
  }
  return { [PASSED]: true, path: `/fleet/v1/${message.kind}`, body: JSON.stringify(bodyOf(message)) };
}

function recordsOf(message: Message): (readonly [store: string, record: object])[] {
  if (message.kind === 'status') return [['exit.status', message.status]];
  if (message.kind === 'beats') return message.beats.map((beat) => ['exit.beat', beat]);
  const { id, events } = message.batch;
  return [['exit.usage_batch', { batch: id }], ...events.map((event) => ['exit.usage', event] as const)];
}

function bodyOf(message: Message): object {
  if (message.kind === 'status') return message.status;
  if (message.kind === 'beats') return { beats: message.beats };
  return { batch: message.batch.id, events: message.batch.events };
}
