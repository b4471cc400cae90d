// SPDX-License-Identifier: AGPL-3.0-or-later
import { writeAddresses } from '../../../contracts/plan/pool.ts';
import type { Clock } from '../../../core/clock/clock.ts';
import type { Entitlement } from '../../../core/licences/licence.ts';
import type { InnerPools } from '../../../core/sessions/inner.ts';
import { isRefusal, type Origin, type SessionId, type Sessions } from '../../../core/sessions/session.ts';
import type { Gate } from '../../sensitive/radius.ts';
import { keysOf } from '../inner-keys.ts';
import type { FreeHosts } from './free-hosts.ts';

/** Milliseconds from admission to the IKE_SA's rise. charon forgets a half-open one sooner. */
export const RISE_TIME = 45_000;
/** Milliseconds that the CHILD_SAs' last counts may come after the end of their IKE_SA. */
export const FALL_TIME = 2000;

/**
 * One customer's IKE_SA, by charon's numbers.
 *
 *     admit ──► rising ──ike up──► up ──ike down──► falling ──last child down, or FALL_TIME──► gone
 *                  │                                                                           ▲
 *                  └──────────────────────────── RISE_TIME ────────────────────────────────────┘
 *     adopt (resynchronisation) ──► up         charon lost: from everywhere to gone
 */
interface Tunnel {
  readonly session: SessionId;
  readonly host: number;
  /** Changes when the IKE_SA is rekeyed. */
  ikeSa: number;
  stage: 'rising' | 'up' | 'falling';
  deadline: number;
  carries: boolean;
  /** Bytes of each CHILD_SA there ever was: each rekeying begins a new count. */
  readonly bytes: Map<number, number>;
  /** CHILD_SAs whose end has not been told. */
  readonly open: Set<number>;
}

/** The numbers in an event about an IKE_SA. */
export interface SaNumbers {
  readonly up: boolean;
  readonly ikeSa: number;
  readonly replaced: number;
  readonly childCount: number;
  readonly childSas: ArrayLike<number>;
  readonly childBytes: ArrayLike<number>;
  readonly childReplaced: ArrayLike<number>;
}

export interface LedgerParts {
  readonly sessions: Sessions;
  readonly pools: InnerPools;
  readonly free: FreeHosts;
  readonly clock: Clock;
  /** Asks charon to end an IKE_SA. */
  readonly terminate: (ikeSa: number) => void;
  /** An inner address has no tunnel any more; see {@link keysOf}. */
  readonly vacated?: ((key: number) => void) | undefined;
}

/** Which session belongs to which IKE_SA, which inner addresses it has and how much it has carried. Numbers only. */
export class Ledger implements Gate {
  readonly #parts: LedgerParts;
  readonly #tunnels = new Map<number, Tunnel>();
  readonly #byHost = new Map<number, Tunnel>();

  constructor(parts: LedgerParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#tunnels.size;
  }

  knows(ikeSa: number): boolean {
    return this.#tunnels.has(ikeSa);
  }

  /** Who has the inner addresses of a host. */
  sessionOf(host: number): SessionId | undefined {
    return this.#byHost.get(host)?.session;
  }

  admit(ikeSa: number, entitlement: Entitlement, origin: Origin): number | 'expired' | 'seats' | 'full' {
    this.#drop(ikeSa);
    const host = this.#parts.free.take();
    if (host === undefined) return 'full';
    const refusal = this.#enter(ikeSa, entitlement, origin, host, 'rising');
    if (refusal === undefined) return host;
    this.#parts.free.release(host);
    return refusal;
  }

  addresses(host: number, four: Uint8Array, six: Uint8Array): void {
    writeAddresses(this.#parts.pools, host, four, six);
  }

  /**
   * Takes over a session that charon already carries. `busy` is one whose addresses another IKE_SA has: it was listed
   * in the moment in which it replaced that one, and word of this is on its way.
   */
  adopt(
    ikeSa: number,
    entitlement: Entitlement | undefined,
    origin: Origin,
    host: number | undefined,
  ): 'adopted' | 'refused' | 'busy' {
    if (entitlement === undefined || host === undefined) return 'refused';
    if (!this.#parts.free.claim(host)) return 'busy';
    if (this.#enter(ikeSa, entitlement, origin, host, 'up') === undefined) return 'adopted';
    this.#parts.free.release(host);
    return 'refused';
  }

  ikeUpDown(sa: SaNumbers): void {
    const tunnel = this.#tunnels.get(sa.ikeSa);
    if (tunnel === undefined) return;
    tunnel.stage = sa.up ? 'up' : 'falling';
    tunnel.deadline = this.#parts.clock.elapsed() + FALL_TIME;
    this.#settle(tunnel);
  }

  childUpDown(sa: SaNumbers): void {
    const tunnel = this.#count(sa);
    if (tunnel === undefined) return;
    for (let i = 0; i < sa.childCount; i += 1) {
      if (sa.up) tunnel.open.add(sa.childSas[i] as number);
      else tunnel.open.delete(sa.childSas[i] as number);
    }
    if (sa.up) this.#carries(tunnel);
    this.#settle(tunnel);
  }

  childRekeyed(sa: SaNumbers): void {
    const tunnel = this.#count(sa);
    for (let i = 0; i < sa.childCount; i += 1) {
      if (sa.childReplaced[i] === 0) tunnel?.open.add(sa.childSas[i] as number);
      else tunnel?.open.delete(sa.childSas[i] as number);
    }
  }

  ikeRekeyed(sa: SaNumbers): void {
    const tunnel = this.#tunnels.get(sa.replaced);
    if (tunnel === undefined) return;
    this.#tunnels.delete(sa.replaced);
    tunnel.ikeSa = sa.ikeSa;
    this.#tunnels.set(sa.ikeSa, tunnel);
  }

  /** Counts, and for one that was adopted, that it carries packets. */
  listed(sa: SaNumbers): void {
    const tunnel = this.#count(sa);
    if (tunnel !== undefined && sa.childCount > 0) this.#carries(tunnel);
  }

  /** Ends what did not rise, and what fell without a last count. */
  expire(): void {
    const now = this.#parts.clock.elapsed();
    for (const tunnel of this.#tunnels.values()) {
      if (tunnel.stage !== 'up' && tunnel.deadline <= now) this.#drop(tunnel.ikeSa);
    }
  }

  /** charon is gone, and all its IKE_SAs with it. */
  lost(): void {
    for (const ikeSa of this.#tunnels.keys()) this.#drop(ikeSa);
  }

  #enter(
    ikeSa: number,
    entitlement: Entitlement,
    origin: Origin,
    host: number,
    stage: 'rising' | 'up',
  ): 'expired' | 'seats' | 'full' | undefined {
    const { sessions, clock, terminate } = this.#parts;
    const place: { tunnel?: Tunnel } = {};
    const answer = sessions.admit({
      protocol: 'ikev2',
      entitlement,
      origin,
      end: () => {
        if (place.tunnel !== undefined) terminate(place.tunnel.ikeSa);
      },
    });
    if (answer === 'closing') return 'full';
    if (isRefusal(answer)) return answer === 'seats' ? 'seats' : 'expired';
    const deadline = clock.elapsed() + RISE_TIME;
    place.tunnel = { session: answer, host, ikeSa, stage, deadline, carries: false, bytes: new Map(), open: new Set() };
    this.#tunnels.set(ikeSa, place.tunnel);
    this.#byHost.set(host, place.tunnel);
    return undefined;
  }

  #count(sa: SaNumbers): Tunnel | undefined {
    const tunnel = this.#tunnels.get(sa.ikeSa);
    if (tunnel === undefined || sa.childCount === 0) return tunnel;
    for (let i = 0; i < sa.childCount; i += 1) {
      const child = sa.childSas[i] as number;
      tunnel.bytes.set(child, Math.max(tunnel.bytes.get(child) ?? 0, sa.childBytes[i] as number));
    }
    this.#parts.sessions.progress(tunnel.session, total(tunnel));
    return tunnel;
  }

  #carries(tunnel: Tunnel): void {
    if (!tunnel.carries) this.#parts.sessions.established(tunnel.session);
    tunnel.carries = true;
  }

  #settle(tunnel: Tunnel): void {
    if (tunnel.stage === 'falling' && tunnel.open.size === 0) this.#drop(tunnel.ikeSa);
  }

  #drop(ikeSa: number): void {
    const tunnel = this.#tunnels.get(ikeSa);
    if (tunnel === undefined) return;
    this.#tunnels.delete(ikeSa);
    this.#byHost.delete(tunnel.host);
    this.#parts.free.release(tunnel.host);
    this.#parts.sessions.ended(tunnel.session, total(tunnel));
    for (const key of keysOf(this.#parts.pools, tunnel.host)) this.#parts.vacated?.(key);
  }
}

function total(tunnel: Tunnel): number {
  let sum = 0;
  for (const bytes of tunnel.bytes.values()) sum += bytes;
  return sum;
}
