// SPDX-License-Identifier: AGPL-3.0-or-later
import { secretStandsAt } from '../../bytes/text/scan.ts';
import type { Entitlement } from '../../core/licences/licence.ts';
import type { Random } from '../../core/random/random.ts';
import { MAX_RADIUS_REPLY } from './radius-reply.ts';

/** Milliseconds that a login may take from its first packet on; charon gives up after as long. */
export const LOGIN_TIME = 30_000;

/**
 * How far a login has come.
 *
 *     free ──identity──► challenged ──right response, seat taken──► proved ──client agrees──► settled
 *                            │                                        │                         │
 *                            └──wrong response, or refused──► failed ─┴──client says anything──►┤
 *                                                                                               │
 *     free ◄──────────────────────────── LOGIN_TIME after the identity ─────────────────────────┘
 *
 * A settled login only repeats its last reply to a request that comes twice (RFC 5080 §2.2.2).
 */
export type Stage = 'free' | 'challenged' | 'proved' | 'failed' | 'settled';

const KEY = 16;

/** One login on its way. It holds no name and no address; its secrets live as long as it does. */
export class Conversation {
  stage: Stage = 'free';
  expires = 0;
  entitlement: Entitlement | undefined = undefined;
  /** Number of the inner addresses that the session will have. */
  host = 0;
  /** Identifier of the last EAP request. */
  identifier = 0;
  /** The value of State: names this conversation, cannot be guessed. */
  readonly key = new Uint8Array(new ArrayBuffer(KEY));
  readonly challenge = new Uint8Array(new ArrayBuffer(16));
  readonly ntHash = new Uint8Array(new ArrayBuffer(16));
  readonly master = new Uint8Array(new ArrayBuffer(16));
  /** Identifier and authenticator of the last request, and the reply that it got. */
  readonly asked = new Uint8Array(new ArrayBuffer(17));
  readonly reply = new Uint8Array(new ArrayBuffer(MAX_RADIUS_REPLY));
  replyLength = 0;

  /** Whether this request is the last one again. */
  repeats(request: Uint8Array): boolean {
    if (this.replyLength === 0 || this.asked[0] !== request[1]) return false;
    for (let i = 1; i < 17; i += 1) if (this.asked[i] !== request[i + 3]) return false;
    return true;
  }

  remember(request: Uint8Array, reply: Uint8Array, length: number): void {
    this.asked[0] = request[1] as number;
    for (let i = 1; i < 17; i += 1) this.asked[i] = request[i + 3] as number;
    for (let i = 0; i < length; i += 1) this.reply[i] = reply[i] as number;
    this.replyLength = length;
  }

  /** Nothing more is to be proved: forgets what could prove it. */
  settle(): void {
    this.stage = 'settled';
    this.entitlement = undefined;
    this.challenge.fill(0);
    this.ntHash.fill(0);
    this.master.fill(0);
  }

  wipe(): void {
    this.settle();
    this.stage = 'free';
    this.key.fill(0);
    this.asked.fill(0);
    this.reply.fill(0);
    this.replyLength = 0;
  }
}

/** All logins on their way: a fixed number of places. When all are taken, newcomers wait until one expires. */
export class Conversations {
  readonly #places: readonly Conversation[];
  readonly #free: number[] = [];
  readonly #random: Random;

  constructor(places: number, random: Random) {
    this.#places = Array.from({ length: places }, () => new Conversation());
    for (let i = places - 1; i >= 0; i -= 1) this.#free.push(i);
    this.#random = random;
  }

  /** How many logins are on their way. */
  get taken(): number {
    return this.#places.length - this.#free.length;
  }

  /** Undefined when all places are taken. */
  open(now: number): Conversation | undefined {
    const place = this.#free.pop();
    if (place === undefined) return undefined;
    const conversation = this.#places[place] as Conversation;
    conversation.expires = now + LOGIN_TIME;
    conversation.key.set(this.#random.bytes(KEY));
    conversation.key[0] = place >>> 8;
    conversation.key[1] = place & 0xff;
    conversation.challenge.set(this.#random.bytes(16));
    return conversation;
  }

  /** The conversation that State names: two bytes of place, fourteen of chance. */
  find(bytes: Uint8Array, start: number, end: number): Conversation | undefined {
    if (end - start !== KEY) return undefined;
    const conversation = this.#places[((bytes[start] as number) << 8) | (bytes[start + 1] as number)];
    if (conversation === undefined || conversation.stage === 'free') return undefined;
    return secretStandsAt(bytes, start, conversation.key) ? conversation : undefined;
  }

  /**
   * The conversation that this very request began. Only the first request of a login has no State, and it comes twice
   * only when its reply was lost, so a walk over the places is cheap enough.
   */
  begunBy(request: Uint8Array): Conversation | undefined {
    if (this.taken === 0) return undefined;
    return this.#places.find((place) => place.stage === 'challenged' && place.repeats(request));
  }

  /** Wipes what has expired. */
  expire(now: number): void {
    if (this.taken === 0) return;
    for (const [index, place] of this.#places.entries()) {
      if (place.stage === 'free' || place.expires > now) continue;
      place.wipe();
      this.#free.push(index);
    }
  }
}
