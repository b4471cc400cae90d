// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from 'zod';
import { isDeclared } from '../../core/inventory/guard.ts';
import type { LicenceId } from '../../core/licences/licence.ts';
import type { SessionId } from '../../core/sessions/session.ts';
import { USAGE_EVENT } from '../usage/event.ts';

/*
 * What a gateway tells control. The gateway passes each message through its schema before it leaves, and control through
 * the same schema before it uses it. Each record must be exactly what the inventory declares under `exit.…`; one
 * field too many, and the whole message is neither sent nor taken.
 */

/** A record as the inventory declares it, and as its own schema says beyond that. A refusal names the store. */
function declared<T>(store: string, schema: z.ZodType<T>): z.ZodType<T> {
  return z.custom<T>((value) => isDeclared(store, value) && schema.safeParse(value).success, { params: { store } });
}

const SESSION = z.custom<SessionId>((value) => typeof value === 'string' && /^[0-9a-f]{16}$/.test(value));

/** `exit.beat` */
export const BEAT = declared(
  'exit.beat',
  z
    .strictObject({
      session: SESSION,
      licence: z.custom<LicenceId>((value) => typeof value === 'number' && value >= 1 && value < 2 ** 39),
    })
    .readonly(),
);

/** A session that holds a seat of its licence. */
export type Beat = z.output<typeof BEAT>;

/** `exit.usage`: {@link USAGE_EVENT}, declared. */
export const SENT_EVENT = declared('exit.usage', USAGE_EVENT);

/** `exit.status` */
export const STATUS = declared(
  'exit.status',
  z
    .strictObject({
      gateway: z.string(),
      configuration: z.enum(['in_force', 'drifted']),
      /** Version of the auth file in force, 0 before the first. */
      authfile: z.int(),
      release: z.string(),
    })
    .readonly(),
);

/** What a gateway says about itself once a minute. */
export type GatewayStatus = z.output<typeof STATUS>;

/** The most sessions that a message can name. */
export const MOST_BEATS = 100_000;

/** Every live session of a gateway once, oldest first; of more than can be named, the oldest. */
export const BEATS = z.strictObject({
  beats: z.array(BEAT).max(MOST_BEATS).refine(namesEachOnce).readonly(),
});

function namesEachOnce(beats: readonly Beat[]): boolean {
  return new Set(beats.map((beat) => beat.session)).size === beats.length;
}

/** Control's answer to beats: the sessions that are over the seats of their licence and must end. */
export const ENDS = z.strictObject({ end: z.array(SESSION).readonly() });
export type Ends = z.output<typeof ENDS>;

const BATCH_STORE = 'exit.usage_batch';

/** Events that leave together. */
export const USAGE_BATCH = z.strictObject({
  /** 16 random bytes, hex. Lets control count a batch that came twice once. */
  batch: z.custom<string>((batch) => isDeclared(BATCH_STORE, { batch }), { params: { store: BATCH_STORE } }),
  events: z.array(SENT_EVENT).max(20_000).readonly(),
});

/** Its content never changes, so sending it twice does no harm. */
export type UsageBatch = z.output<typeof USAGE_BATCH>;

/** The schema of each kind of message. */
export const FLEET_MESSAGES = { beats: BEATS, usage: USAGE_BATCH, status: STATUS } as const;

export type FleetMessageKind = keyof typeof FLEET_MESSAGES;
export type FleetMessage<Kind extends FleetMessageKind> = z.output<(typeof FLEET_MESSAGES)[Kind]>;

/** Gives the message itself, or the store of the first record that may not pass. `value` may be anything. */
export function checkMessage<Kind extends FleetMessageKind>(
  kind: Kind,
  value: unknown,
): { readonly message: FleetMessage<Kind> } | { readonly refused: string } {
  const result = FLEET_MESSAGES[kind].safeParse(value);
  if (result.success) return { message: result.data as FleetMessage<Kind> };
  const store = result.error.issues.map((issue) => (issue.code === 'custom' ? issue.params?.store : undefined))[0];
  return { refused: typeof store === 'string' ? store : `exit.${kind}` };
}

/** Reads the text of a message or an answer. Hostile input: any bytes. Undefined unless it is exactly such a one. */
export function parseFleetBody<Schema extends z.ZodType>(
  schema: Schema,
  body: Uint8Array,
): z.output<Schema> | undefined {
  try {
    return schema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)));
  } catch {
    return undefined;
  }
}
