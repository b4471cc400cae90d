// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Beat } from '../../contracts/fleet/messages.ts';
import { type Clock, today } from '../../core/clock/clock.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { Entitlement, LicenceId, UsageTag } from '../../core/licences/licence.ts';
import type { Random } from '../../core/random/random.ts';
import type {
  EndReason,
  Origin,
  Protocol,
  Refusal,
  SessionId,
  Sessions,
  UsageRecord,
} from '../../core/sessions/session.ts';

/** An app that has ever beaten through the tunnel must beat again within this time. Milliseconds. */
export const SILENCE = 5 * 60_000;

/** An admitted session that no tunnel has established within this time gives its seat back. Milliseconds. */
export const ESTABLISH_TIMEOUT = 2 * 60_000;

/** The wall clock may run apart from elapsed time by this much between two sweeps before it is distrusted. */
const CLOCK_SLACK = 5 * 60_000;

interface Live {
  readonly protocol: Protocol;
  entitlement: Entitlement;
  /** Shared by the sessions of one licence. */
  readonly seats: { taken: number };
  readonly origin: Origin;
  readonly end: (reason: EndReason) => void;
  state: 'admitted' | 'established' | 'ending';
  carried: boolean;
  totalBytes: number;
  /** Elapsed time by which something must be heard. Stock clients, once established, have none. */
  deadline: number | undefined;
}

/**
 * The live sessions of one gateway, and their seats. Nothing here outlives the session it belongs to. A session keeps
 * only what its licence allows, a country, the holder of a network and a byte total.
 *
 *     admit --> admitted --established--> established --ended--> (gone, usage record)
 *                  |                          |
 *                  +------- end(reason) ------+--> ending --ended--> (gone, usage record if it carried packets)
 *
 * A session that is ending holds no seat and no longer beats.
 */
export class LiveSessions implements Sessions {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #journal: Journal;
  readonly #used: (record: UsageRecord, resting: boolean) => void;
  /** In order of admission, oldest first. */
  readonly #live = new Map<SessionId, Live>();
  readonly #seats = new Map<LicenceId, { taken: number }>();
  #clockOffset: number;
  #closing = false;

  constructor(deps: {
    clock: Clock;
    random: Random;
    journal: Journal;
    used: (record: UsageRecord, resting: boolean) => void;
  }) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#journal = deps.journal;
    this.#used = deps.used;
    this.#clockOffset = deps.clock.wall() - deps.clock.elapsed();
  }

  /** Sessions of any state. */
  get size(): number {
    return this.#live.size;
  }

  admit(request: Parameters<Sessions['admit']>[0]): SessionId | Refusal {
    const { entitlement } = request;
    if (this.#closing) return 'closing';
    if (entitlement === undefined) return 'unknown';
    if (today(this.#clock) > entitlement.expiresOn) return 'expired';
    const seats = this.#seats.get(entitlement.licence) ?? { taken: 0 };
    if (seats.taken >= entitlement.seats) return 'seats';
    seats.taken += 1;
    this.#seats.set(entitlement.licence, seats);
    const session = this.#random.bytes(8).toHex() as SessionId;
    this.#live.set(session, {
      protocol: request.protocol,
      entitlement,
      seats,
      origin: request.origin,
      end: request.end,
      state: 'admitted',
      carried: false,
      totalBytes: 0,
      deadline: this.#clock.elapsed() + ESTABLISH_TIMEOUT,
    });
    return session;
  }

  established(session: SessionId): void {
    const live = this.#live.get(session);
    if (live === undefined) return;
    live.carried = true;
    if (live.state !== 'admitted') return;
    live.state = 'established';
    live.deadline = undefined;
  }

  progress(session: SessionId, totalBytes: number): void {
    const live = this.#live.get(session);
    if (live !== undefined && totalBytes > live.totalBytes) live.totalBytes = totalBytes;
  }

  ended(session: SessionId, totalBytes = 0, resting = false): void {
    const live = this.#live.get(session);
    if (live === undefined) return;
    this.progress(session, totalBytes);
    this.#releaseSeat(live);
    this.#live.delete(session);
    if (!live.carried) return;
    const { protocol, origin, entitlement } = live;
    this.#used({ usageTag: entitlement.usageTag, origin, protocol, totalBytes: live.totalBytes }, resting);
  }

  /** An app has beaten through the tunnel. False when no such session holds a seat. */
  heartbeat(session: SessionId): boolean {
    const live = this.#live.get(session);
    if (live === undefined || live.state !== 'established') return false;
    live.deadline = this.#clock.elapsed() + SILENCE;
    return true;
  }

  /** Every session that holds a seat, oldest first. */
  list(): Beat[] {
    const beats: Beat[] = [];
    for (const [session, live] of this.#live) {
      if (live.state !== 'ending') beats.push({ session, licence: live.entitlement.licence });
    }
    return beats;
  }

  /** Tells tunnels to end these sessions. Unknown ones are passed over. */
  endThese(sessions: Iterable<SessionId>, reason: EndReason): void {
    for (const session of sessions) {
      const live = this.#live.get(session);
      if (live !== undefined) this.#end(live, reason);
    }
  }

  /** Admits no session from now on, and tells the tunnels to end those that there are. */
  close(): void {
    this.#closing = true;
    for (const live of this.#live.values()) this.#end(live, 'shutdown');
  }

  /** Sessions whose tunnel did not say in time that they have ended are over with the bytes that were counted last. */
  settle(): void {
    for (const session of this.#live.keys()) this.ended(session);
  }

  /** The usage tags behind sessions that hold a seat. */
  tags(): Set<UsageTag> {
    const tags = new Set<UsageTag>();
    for (const live of this.#live.values()) if (live.state !== 'ending') tags.add(live.entitlement.usageTag);
    return tags;
  }

  /**
   * Takes a new auth file into account: what it says under each of {@link tags}. A credential that is gone ends its
   * sessions; one that is still there may now be valid for longer, or for more seats.
   */
  refresh(entitlements: ReadonlyMap<UsageTag, Entitlement>): void {
    for (const live of this.#live.values()) {
      const entitlement = entitlements.get(live.entitlement.usageTag);
      if (entitlement === undefined) this.#end(live, 'revoked');
      else if (entitlement.licence === live.entitlement.licence) live.entitlement = entitlement;
    }
  }

  /**
   * Ends what has fallen silent and what has expired. Called about once a minute. A wall clock that has just jumped
   * ends no session: it counts only when it still tells the same at the next sweep.
   */
  sweep(): void {
    const now = this.#clock.elapsed();
    for (const live of this.#live.values()) {
      if (live.deadline !== undefined && now > live.deadline) this.#end(live, 'silent');
    }
    if (this.#clockJumped()) {
      this.#journal.say({ code: 'clock_jumped' });
      return;
    }
    const day = today(this.#clock);
    for (const live of this.#live.values()) {
      if (day > live.entitlement.expiresOn) this.#end(live, 'expired');
    }
  }

  #clockJumped(): boolean {
    const offset = this.#clock.wall() - this.#clock.elapsed();
    const jumped = Math.abs(offset - this.#clockOffset) > CLOCK_SLACK;
    this.#clockOffset = offset;
    return jumped;
  }

  #end(live: Live, reason: EndReason): void {
    if (live.state === 'ending') return;
    this.#releaseSeat(live);
    live.state = 'ending';
    live.deadline = undefined;
    live.end(reason);
  }

  #releaseSeat(live: Live): void {
    if (live.state === 'ending') return;
    live.seats.taken -= 1;
    if (live.seats.taken === 0) this.#seats.delete(live.entitlement.licence);
  }
}
