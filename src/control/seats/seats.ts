// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Beat } from '../../contracts/fleet/messages.ts';
import type { Clock } from '../../core/clock/clock.ts';
import type { LicenceId } from '../../core/licences/licence.ts';
import type { SessionId } from '../../core/sessions/session.ts';

/**
 * The live count of sessions per licence. Nothing of it is stored. One control host keeps it in memory; several
 * would share one through a store without a disk, behind this interface.
 */
export interface LiveSeats {
  /**
   * Takes all live sessions of a gateway, oldest first; sessions that the gateway no longer names are gone. Gives the
   * sessions of this gateway that must end because their licence is over its seats. The newest go first.
   */
  beat(gateway: string, beats: readonly Beat[]): SessionId[];
  used(licence: LicenceId): number;
  /** The seats of a licence as they are held now. */
  of(licence: LicenceId): readonly HeldSeat[];
}

export interface HeldSeat extends Beat {
  readonly gateway: string;
}

interface Seat extends HeldSeat {
  /** Counts arrivals since the program started. */
  readonly order: number;
  /** Elapsed time at which the seat is free again. */
  deadline: number;
}

/** A seat lives this long without a beat, in milliseconds. */
export const SEAT_LIFE = 300_000;

export class MemorySeats implements LiveSeats {
  readonly #clock: Clock;
  readonly #limitOf: (licence: LicenceId) => number;
  readonly #gateways = new Map<string, Map<SessionId, Seat>>();
  readonly #licences = new Map<LicenceId, Set<Seat>>();
  #arrivals = 0;

  /** `limitOf` gives 0 for a licence that is not valid. */
  constructor(clock: Clock, limitOf: (licence: LicenceId) => number) {
    this.#clock = clock;
    this.#limitOf = limitOf;
  }

  beat(gateway: string, beats: readonly Beat[]): SessionId[] {
    const deadline = this.#clock.elapsed() + SEAT_LIFE;
    const before = this.#gateways.get(gateway) ?? new Map<SessionId, Seat>();
    const now = new Map<SessionId, Seat>();
    this.#gateways.set(gateway, now);
    for (const { session, licence } of beats) {
      const known = now.get(session) ?? before.get(session);
      const kept = known?.licence === licence ? known : undefined;
      if (kept === undefined && known !== undefined) this.#release(known);
      const seat = kept ?? this.#take({ session, licence, gateway });
      seat.deadline = deadline;
      now.set(session, seat);
    }
    for (const seat of before.values()) if (now.get(seat.session) !== seat) this.#release(seat);
    const surplus = [...new Set(beats.map((beat) => beat.licence))].flatMap((licence) => this.#surplus(licence));
    const ended = surplus.filter((seat) => seat.gateway === gateway);
    for (const seat of ended) this.#release(seat);
    return ended.map((seat) => seat.session);
  }

  used(licence: LicenceId): number {
    return this.#living(licence).length;
  }

  of(licence: LicenceId): readonly HeldSeat[] {
    return this.#living(licence).map(({ session, gateway }) => ({ session, licence, gateway }));
  }

  /** Frees the seats that have been silent for too long. */
  sweep(): void {
    const now = this.#clock.elapsed();
    for (const seats of this.#gateways.values()) {
      for (const seat of seats.values()) if (seat.deadline <= now) this.#release(seat);
    }
  }

  #take(beat: HeldSeat): Seat {
    this.#arrivals += 1;
    const seat: Seat = { ...beat, order: this.#arrivals, deadline: 0 };
    const seats = this.#licences.get(beat.licence);
    if (seats === undefined) this.#licences.set(beat.licence, new Set([seat]));
    else seats.add(seat);
    return seat;
  }

  #release(seat: Seat): void {
    const ofGateway = this.#gateways.get(seat.gateway);
    if (ofGateway?.get(seat.session) === seat) ofGateway.delete(seat.session);
    const ofLicence = this.#licences.get(seat.licence);
    ofLicence?.delete(seat);
    if (ofLicence?.size === 0) this.#licences.delete(seat.licence);
  }

  #living(licence: LicenceId): Seat[] {
    const now = this.#clock.elapsed();
    return [...(this.#licences.get(licence) ?? [])].filter((seat) => seat.deadline > now);
  }

  #surplus(licence: LicenceId): Seat[] {
    const limit = this.#limitOf(licence);
    if ((this.#licences.get(licence)?.size ?? 0) <= limit) return [];
    const living = this.#living(licence).sort((left, right) => left.order - right.order);
    return living.slice(limit).toReversed();
  }
}
