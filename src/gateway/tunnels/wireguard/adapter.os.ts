// SPDX-License-Identifier: AGPL-3.0-or-later
import type { AuthSource } from '../../../contracts/authfile/authfile.ts';
import type { TunnelPlan } from '../../../contracts/plan/plan.ts';
import { hostOf, innerPools } from '../../../contracts/plan/pool.ts';
import { type Clock, today } from '../../../core/clock/clock.ts';
import { DaemonContact } from '../../../core/journal/contact.ts';
import type { Journal } from '../../../core/journal/journal.ts';
import type { InnerAddresses, InnerPools } from '../../../core/sessions/inner.ts';
import type { SessionId, Sessions } from '../../../core/sessions/session.ts';
import type { OriginLookup } from '../../geoip/origin.ts';
import { WireGuardPeers } from '../../sensitive/wireguard-peers.ts';
import { keysOf } from '../inner-keys.ts';
import { PeerTable } from './peers.ts';

/** Milliseconds between surveys of a device with few peers. */
export const SURVEY_EVERY = 2000;

/** With many peers, surveys take at most this part of the time, unless that would make pauses this many times as long. */
const SURVEY_SHARE = 1 / 25;
const LONGEST_PAUSE = 10;

export interface WireGuardParts {
  readonly sessions: Sessions;
  readonly auth: AuthSource;
  readonly origin: OriginLookup;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly vacated?: (key: number) => void;
  /** The daemon's socket. */
  readonly socket: string;
  readonly tunnel: Pick<TunnelPlan, 'pool4' | 'pool6'>;
  /** Milliseconds, each with its constant as default: {@link SURVEY_EVERY}, IDLE_AFTER and AWAY_FOR. */
  readonly surveyEvery?: number;
  readonly idleAfter?: number;
  readonly awayFor?: number;
  /** Milliseconds that the daemon may take for one answer. */
  readonly timeout?: number;
  /** Peers that the daemon takes; MOST_PEERS unless a test says otherwise. */
  readonly most?: number;
}

/**
 * Keeps the peers of a WireGuard device as the auth file says, and makes sessions of those that are heard. It has no
 * rights but to the daemon's socket, and it asks the daemon again and again, because WireGuard announces nothing.
 *
 * Stopping it, or killing it, ends no session: the next agent finds them in the daemon and resumes them.
 */
export class WireGuardAdapter implements InnerAddresses {
  readonly #parts: WireGuardParts;
  readonly #pools: InnerPools;
  readonly #contact: DaemonContact;
  readonly #peers: WireGuardPeers;
  readonly #table: PeerTable;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;
  /** Something may be missing from the device. */
  #incomplete = true;
  #again = false;
  #day = 0;
  /** Hosts whose session is over, until the daemon has done without them. */
  readonly #over: number[] = [];

  constructor(parts: WireGuardParts) {
    this.#parts = parts;
    this.#contact = new DaemonContact(parts.journal, 'wireguard');
    this.#pools = innerPools(parts.tunnel);
    this.#peers = new WireGuardPeers({ ...parts, path: parts.socket, pools: this.#pools });
    const over = (host: number) => this.#over.push(host);
    this.#table = new PeerTable({ ...parts, ending: () => this.#hurry(), over });
  }

  /** Resolves after the first survey. A daemon that is not there yet is waited for. */
  async start(): Promise<void> {
    this.#parts.auth.onChange(() => {
      this.#incomplete = true;
      this.#hurry();
    });
    this.#run();
    await this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#peers.close();
    await this.#running;
    // A survey that was just connecting has opened the socket again.
    this.#peers.close();
  }

  sessionAt(bytes: Uint8Array, start: number, length: 4 | 16): SessionId | undefined {
    const host = hostOf(this.#pools, bytes, start, length);
    return host === undefined ? undefined : this.#table.sessionOf(host);
  }

  /** Surveys at once, or once more when one is running. */
  #hurry(): void {
    this.#again = true;
    if (this.#running === undefined) this.#run();
  }

  #run(): void {
    if (this.#stopped) return;
    clearTimeout(this.#timer);
    this.#again = false;
    const began = this.#parts.clock.elapsed();
    this.#running = this.#survey().finally(() => {
      this.#running = undefined;
      this.#vacate();
      const took = this.#parts.clock.elapsed() - began;
      if (!this.#stopped) this.#timer = setTimeout(() => this.#run(), this.#again ? 0 : this.#pause(took));
    });
  }

  /** Not before the survey is through: until then the daemon may still pass on what the peer sends. */
  #vacate(): void {
    for (const host of this.#over.splice(0)) {
      for (const key of keysOf(this.#pools, host)) this.#parts.vacated?.(key);
    }
  }

  #pause(took: number): number {
    const shortest = this.#parts.surveyEvery ?? SURVEY_EVERY;
    return Math.min(Math.max(shortest, took / SURVEY_SHARE), LONGEST_PAUSE * shortest);
  }

  async #survey(): Promise<void> {
    if (this.#parts.auth.current === undefined || !(await this.#connected())) return;
    this.#table.begin();
    let outcome = await this.#peers.survey((report) => this.#table.look(report));
    while (outcome === 'more') outcome = await this.#peers.survey((report) => this.#table.look(report));
    if (outcome === 'done') {
      this.#table.surveyed();
      outcome = await this.#complete();
    }
    if (outcome === 'junk') this.#contact.junk();
    if (outcome === 'refused' || outcome === 'full')
      this.#parts.journal.say({ code: 'failed', program: 'wireguard', failure: 'peers_refused' });
  }

  /** Adds what is missing, when there is a reason to look for it. */
  async #complete() {
    const day = today(this.#parts.clock);
    if (this.#table.welcomeBack() || day !== this.#day) this.#incomplete = true;
    this.#day = day;
    if (!this.#incomplete) return 'done';
    this.#incomplete = false;
    const outcome = await this.#peers.fill((host, entitlement) => this.#table.wanted(host, entitlement));
    // What a full device has no room for is not tried again before something changes.
    if (outcome !== 'done' && outcome !== 'full') this.#incomplete = true;
    return outcome;
  }

  /** A daemon that does not even take a connection is dead, and its sessions with it. */
  async #connected(): Promise<boolean> {
    if (this.#peers.connected) return true;
    const connected = await this.#peers.connect();
    if (connected) {
      this.#incomplete = true;
      this.#contact.found();
    } else {
      this.#table.lost();
      this.#contact.lost();
    }
    return connected;
  }
}
