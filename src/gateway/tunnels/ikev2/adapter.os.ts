// SPDX-License-Identifier: AGPL-3.0-or-later
import type { AuthSource } from '../../../contracts/authfile/authfile.ts';
import { GATEWAY_FILES, type GatewayPlan, RADIUS } from '../../../contracts/plan/plan.ts';
import { hostOf, innerPools } from '../../../contracts/plan/pool.ts';
import type { Clock } from '../../../core/clock/clock.ts';
import { DaemonContact } from '../../../core/journal/contact.ts';
import type { Journal } from '../../../core/journal/journal.ts';
import type { Random } from '../../../core/random/random.ts';
import type { InnerAddresses, InnerPools } from '../../../core/sessions/inner.ts';
import type { SessionId, Sessions } from '../../../core/sessions/session.ts';
import type { OriginLookup } from '../../geoip/origin.ts';
import { adoptable } from '../../sensitive/adoption.ts';
import { RadiusSocket } from '../../sensitive/radius.os.ts';
import { RadiusServer } from '../../sensitive/radius.ts';
import { ViciConnection, type ViciEvent } from '../../sensitive/vici.os.ts';
import type { SaEvent } from '../../sensitive/vici-sa.ts';
import { FreeHosts } from './free-hosts.ts';
import { Ledger } from './ledger.ts';

export interface Ikev2Parts {
  readonly sessions: Sessions;
  readonly auth: AuthSource;
  readonly origin: OriginLookup;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: Random;
  readonly plan: Pick<GatewayPlan, 'tunnels'>;
  readonly vacated?: (key: number) => void;
  /** Shared with charon; see `secret.ts`. */
  readonly secret: Uint8Array;
  readonly viciSocket?: string;
  readonly radius?: { readonly address: string; readonly port: number };
  readonly times?: Ikev2Times;
}

/** Milliseconds. */
export interface Ikev2Times {
  /** Between lists of all IKE_SAs, which bring their byte counts. */
  readonly list: number;
  /** Between looks for logins and tunnels that have expired. */
  readonly sweep: number;
  /** Between attempts to reach charon. */
  readonly retry: number;
}

const TIMES: Ikev2Times = { list: 10_000, sweep: 1000, retry: 500 };

/**
 * The agent's side of IKEv2. It serves only while it is connected to charon, has an auth file, and knows every IKE_SA
 * that charon carries; otherwise logins get no answer, so they fail, and sessions that are up stay up.
 *
 *     away ──charon answers──► connected ──auth file there, all IKE_SAs listed──► serving
 *      ▲                           │                                                 │
 *      └───────────────────────────┴──────────── charon gone: its sessions end ──────┘
 */
export class Ikev2Adapter implements InnerAddresses {
  readonly #parts: Ikev2Parts;
  readonly #times: Ikev2Times;
  readonly #contact: DaemonContact;
  readonly #pools: InnerPools;
  readonly #ledger: Ledger;
  readonly #radius: RadiusServer;
  readonly #socket: RadiusSocket;
  readonly #timers: NodeJS.Timeout[] = [];
  #connection: ViciConnection | undefined;
  #retry: NodeJS.Timeout | undefined;
  #stage: 'stopped' | 'away' | 'connected' | 'serving' = 'stopped';
  #said = false;

  constructor(parts: Ikev2Parts) {
    this.#parts = parts;
    this.#contact = new DaemonContact(parts.journal, 'charon');
    this.#times = parts.times ?? TIMES;
    this.#pools = innerPools(parts.plan.tunnels.ikev2);
    const free = new FreeHosts(this.#pools.hosts, parts.random);
    const terminate = (ikeSa: number) => void this.#connection?.terminate(ikeSa);
    this.#ledger = new Ledger({ ...parts, pools: this.#pools, free, terminate });
    this.#radius = new RadiusServer({ ...parts, gate: this.#ledger });
    this.#socket = new RadiusSocket(this.#radius);
    parts.auth.onChange(() => void this.#serve());
  }

  /** Whether logins are answered, but for the moment in which the port is found taken. */
  get serving(): boolean {
    return this.#stage === 'serving';
  }

  sessionAt(bytes: Uint8Array, start: number, length: 4 | 16): SessionId | undefined {
    const host = this.#hostOf(bytes, start, length);
    return host === undefined ? undefined : this.#ledger.sessionOf(host);
  }

  /** Resolves after the first attempt to reach charon; further ones follow until {@link stop}. */
  async start(): Promise<void> {
    this.#stage = 'away';
    this.#timers.push(setInterval(() => this.#sweep(), this.#times.sweep));
    this.#timers.push(setInterval(() => void this.#connection?.listSas(), this.#times.list));
    await this.#connect();
  }

  /** Leaves charon and its sessions alone. */
  stop(): void {
    this.#stage = 'stopped';
    clearTimeout(this.#retry);
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    this.#connection?.close();
    this.#connection = undefined;
    this.#socket.close();
  }

  async #connect(): Promise<void> {
    const path = this.#parts.viciSocket ?? GATEWAY_FILES.viciSocket;
    const listener = {
      event: (name: ViciEvent, sa: SaEvent, bytes: Uint8Array) => this.#event(name, sa, bytes),
      lost: (junk: boolean) => this.#lost(junk),
    };
    const connection = await ViciConnection.open(path, listener).catch(() => undefined);
    if (this.#stage === 'stopped') connection?.close();
    else if (connection === undefined) this.#tryAgain();
    else {
      this.#connection = connection;
      this.#stage = 'connected';
      this.#contact.found();
      await this.#serve();
    }
  }

  #tryAgain(): void {
    this.#contact.lost();
    this.#retry = setTimeout(() => void this.#connect(), this.#times.retry);
  }

  #lost(junk: boolean): void {
    this.#stage = 'away';
    this.#connection = undefined;
    clearTimeout(this.#retry);
    this.#socket.close();
    this.#ledger.lost();
    if (junk) this.#contact.junk();
    this.#tryAgain();
  }

  /** Addresses must not be given out before those in use are known. */
  async #serve(): Promise<void> {
    const connection = this.#connection;
    if (this.#stage !== 'connected' || this.#parts.auth.current === undefined) return;
    await connection?.listSas();
    // Another call, or another charon, may have come in between.
    if (this.#stage !== 'connected' || this.#connection !== connection) return;
    const { address, port } = this.#parts.radius ?? RADIUS;
    this.#stage = 'serving';
    try {
      await this.#socket.open(address, port);
    } catch {
      this.#portTaken();
    }
  }

  #portTaken(): void {
    if (!this.#said) this.#parts.journal.say({ code: 'failed', program: 'gateway', failure: 'radius_port_taken' });
    this.#said = true;
    this.#socket.close();
    this.#stage = 'connected';
    this.#retry = setTimeout(() => void this.#serve(), this.#times.retry);
  }

  #sweep(): void {
    this.#ledger.expire();
    this.#radius.expire();
  }

  #event(name: ViciEvent, sa: SaEvent, bytes: Uint8Array): void {
    switch (name) {
      case 'ike-updown':
        return this.#ledger.ikeUpDown(sa);
      case 'child-updown':
        return this.#ledger.childUpDown(sa);
      case 'ike-rekey':
        return this.#ledger.ikeRekeyed(sa);
      case 'child-rekey':
        return this.#ledger.childRekeyed(sa);
      case 'list-sa':
        return this.#listed(sa, bytes);
    }
  }

  readonly #hostOf = (bytes: Uint8Array, start: number, length: 4 | 16) => hostOf(this.#pools, bytes, start, length);

  /** One that we do not know yet is adopted, or ended if it may not be. */
  #listed(sa: SaEvent, bytes: Uint8Array): void {
    const auth = this.#parts.auth.current;
    if (auth !== undefined && sa.established && !this.#ledger.knows(sa.ikeSa)) {
      const { entitlement, origin, host } = adoptable(sa, bytes, auth, this.#parts.origin, this.#hostOf);
      const adopted = this.#ledger.adopt(sa.ikeSa, entitlement, origin, host);
      if (adopted === 'refused') void this.#connection?.terminate(sa.ikeSa);
    }
    this.#ledger.listed(sa);
  }
}
