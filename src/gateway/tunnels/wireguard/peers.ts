// SPDX-License-Identifier: AGPL-3.0-or-later

import { IDLE_AFTER } from '../../../contracts/plan/plan.ts';
import { type Clock, today } from '../../../core/clock/clock.ts';
import type { Entitlement } from '../../../core/licences/licence.ts';
import { type EndReason, isRefusal, type SessionId, type Sessions } from '../../../core/sessions/session.ts';
import type { PeerReport, PeerVerdict } from '../../sensitive/wireguard-peers.ts';

/**
 * How long a peer that was refused or ended stays away. WireGuard cannot tell a customer why: its packets are not
 * answered, and the portal's count of live seats is where the reason shows.
 */
export const AWAY_FOR = 60_000;

/** A handshake further ahead than this was made before the wall clock was set back. Milliseconds. */
const CLOCK_SLACK = 5000;

/** A peer that has been heard of. Times are elapsed time, which no change of the wall clock moves. */
interface Heard {
  seconds: number;
  nanoseconds: number;
  /** The last handshake, or the first sign of life, was then. */
  since: number;
  session: SessionId | undefined;
  /** Bytes before the daemon's counter began anew, and the counter's last value. */
  banked: number;
  counted: number;
  ending: EndReason | undefined;
  survey: number;
}

/**
 * Who is connected, by number of host.
 *
 *     quiet --endpoint known--> heard --handshake--> live --no handshake for IDLE_AFTER--> quiet, and forgotten
 *                                 |                    |
 *                                 |                    +--ended by the service--> away --AWAY_FOR--> quiet
 *                                 +--handshake, but no seat--> away
 *                                 +--no handshake for IDLE_AFTER--> quiet, and forgotten
 */
export class PeerTable {
  readonly #sessions: Sessions;
  readonly #clock: Clock;
  readonly #idleAfter: number;
  readonly #awayFor: number;
  readonly #ending: () => void;
  readonly #ended: (host: number) => void;
  readonly #heard = new Map<number, Heard>();
  /** Elapsed time at which each host may come back. */
  readonly #away = new Map<number, number>();
  #survey = 0;
  /** The survey before this one was completed: a peer that is not in `#heard` was quiet then. */
  #certain = false;
  #completed = false;

  /** `ending` is called when the service wants a session to stop, which the next survey does. */
  constructor(parts: {
    sessions: Sessions;
    clock: Clock;
    idleAfter?: number;
    awayFor?: number;
    ending: () => void;
    /** A session of this host is over. */
    over?: (host: number) => void;
  }) {
    this.#sessions = parts.sessions;
    this.#clock = parts.clock;
    this.#idleAfter = parts.idleAfter ?? IDLE_AFTER;
    this.#awayFor = parts.awayFor ?? AWAY_FOR;
    this.#ending = parts.ending;
    this.#ended = parts.over ?? (() => undefined);
  }

  /** A survey begins. */
  begin(): void {
    this.#survey += 1;
    this.#certain = this.#completed;
    this.#completed = false;
  }

  /** Judges one peer of the survey. */
  look(report: PeerReport): PeerVerdict {
    const { host } = report;
    if (this.#away.has(host)) return 'remove';
    const known = this.#heard.get(host);
    if (!report.heard && report.seconds === 0) return this.#quiet(report, known);
    const heard = known ?? this.#meet(report);
    heard.survey = this.#survey;
    const judgedByWall = known === undefined && !this.#certain;
    if (this.#shookHands(heard, report, judgedByWall) && heard.session === undefined && !this.#admit(heard, report)) {
      return this.#sendAway(host);
    }
    this.#count(heard, report.totalBytes);
    if (heard.ending !== undefined) return this.#finish(host, heard, heard.ending);
    if (this.#clock.elapsed() - heard.since < this.#idleAfter) return 'keep';
    this.#over(host, heard, true);
    return 'forget';
  }

  /** Every peer of the device was looked at: sessions whose peer was not among them are over. */
  surveyed(): void {
    this.#completed = true;
    for (const [host, heard] of this.#heard) if (heard.survey !== this.#survey) this.#over(host, heard);
  }

  /** The daemon is gone, and with it every session. */
  lost(): void {
    for (const [host, heard] of this.#heard) this.#over(host, heard);
  }

  /** Lets those back whose time away is over. True if there were any. */
  welcomeBack(): boolean {
    const before = this.#away.size;
    for (const [host, until] of this.#away) if (this.#clock.elapsed() >= until) this.#away.delete(host);
    return this.#away.size < before;
  }

  /** Whether the device should have this peer. */
  wanted(host: number, entitlement: Entitlement): boolean {
    return !this.#away.has(host) && entitlement.expiresOn >= today(this.#clock);
  }

  sessionOf(host: number): SessionId | undefined {
    return this.#heard.get(host)?.session;
  }

  /** A peer that was live a moment ago and is quiet now was removed and added again from outside. */
  #quiet({ host, entitlement }: PeerReport, known: Heard | undefined): PeerVerdict {
    if (known !== undefined) this.#over(host, known);
    return this.wanted(host, entitlement) ? 'keep' : 'remove';
  }

  #meet(report: PeerReport): Heard {
    const heard: Heard = {
      seconds: 0,
      nanoseconds: 0,
      since: this.#clock.elapsed(),
      session: undefined,
      banked: 0,
      counted: 0,
      ending: undefined,
      survey: this.#survey,
    };
    this.#heard.set(report.host, heard);
    return heard;
  }

  /**
   * Whether there was a handshake since the last survey, which shows in its time being another. Only where there was no
   * last survey does the wall clock decide how old it is; and if that says nonsense, the next handshake will tell.
   */
  #shookHands(heard: Heard, { seconds, nanoseconds }: PeerReport, judgedByWall: boolean): boolean {
    if (heard.seconds === seconds && heard.nanoseconds === nanoseconds) return false;
    heard.seconds = seconds;
    heard.nanoseconds = nanoseconds;
    const age = judgedByWall ? this.#clock.wall() - seconds * 1000 : 0;
    if (age < -CLOCK_SLACK || age >= this.#idleAfter) return false;
    heard.since = this.#clock.elapsed() - Math.max(0, age);
    return true;
  }

  #admit(heard: Heard, report: PeerReport): boolean {
    const answer = this.#sessions.admit({
      protocol: 'wireguard',
      entitlement: report.entitlement,
      origin: report.origin(),
      end: (reason) => {
        heard.ending = reason;
        this.#ending();
      },
    });
    if (isRefusal(answer)) return false;
    heard.session = answer;
    this.#sessions.established(answer);
    return true;
  }

  #count(heard: Heard, totalBytes: number): void {
    if (totalBytes < heard.counted) heard.banked += heard.counted;
    heard.counted = totalBytes;
    if (heard.session !== undefined) this.#sessions.progress(heard.session, heard.banked + totalBytes);
  }

  /** One who only fell silent may come back at once; for all others the reason still holds. */
  #finish(host: number, heard: Heard, reason: EndReason): PeerVerdict {
    this.#over(host, heard);
    return reason === 'silent' ? 'forget' : this.#sendAway(host);
  }

  #sendAway(host: number): PeerVerdict {
    this.#heard.delete(host);
    this.#away.set(host, this.#clock.elapsed() + this.#awayFor);
    return 'remove';
  }

  #over(host: number, heard: Heard, resting = false): void {
    this.#heard.delete(host);
    if (heard.session === undefined) return;
    this.#sessions.ended(heard.session, heard.banked + heard.counted, resting);
    this.#ended(host);
  }
}
