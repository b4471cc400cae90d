// SPDX-License-Identifier: AGPL-3.0-or-later
import type { AuthSource } from '../../../contracts/authfile/authfile.ts';
import type { OpenvpnProtocol } from '../../../contracts/plan/openvpn/server.ts';
import { type Clock, today } from '../../../core/clock/clock.ts';
import type { Entitlement } from '../../../core/licences/licence.ts';
import type { InnerAddresses } from '../../../core/sessions/inner.ts';
import {
  type EndReason,
  isRefusal,
  type Refusal,
  type SessionId,
  type Sessions,
} from '../../../core/sessions/session.ts';
import { innerKey, type OpenvpnListener, type OpenvpnLogin, type OpenvpnRow } from '../../sensitive/openvpn.ts';

interface Client {
  readonly session: SessionId;
  /** Under which number its token runs, -1 when that is not known. */
  readonly tokenSession: number;
  readonly inner: Set<number>;
  /** The command that ends it, once it must end: it is given again if it may have been lost. */
  kill: string | undefined;
}

/**
 * New keys of one client that may wait for an answer which the last agent cannot give any more. OpenVPN numbers a
 * client's keys, the first ones 0 to 2, and its token ends after a day: with new keys every hour no number is greater.
 */
const MOST_KEYS = 32;

/** What a client shows when it is refused or ended for good. No quotes: it is part of a command to OpenVPN. */
function reasonShown(reason: Refusal | 'revoked', seats: number): string {
  if (reason === 'seats') return seats === 1 ? 'The only seat is in use' : `All ${seats} seats are in use`;
  return REASONS[reason];
}

const REASONS = {
  expired: 'The licence has expired',
  revoked: 'These credentials are no longer valid',
  unknown: 'Unknown username or password. New ones may take half a minute',
  closing: 'The gateway is about to end',
} as const;

/**
 * The clients of one OpenVPN server, by OpenVPN's own numbers. It answers what OpenVPN asks and tells the sessions what
 * OpenVPN reports.
 *
 *     login --> (refused)
 *       |
 *       +-----> admitted --established--> up --ended--> (gone)
 *                                          |
 *                                          +-- login (renegotiation) --> up, or refused and soon ended
 *
 * After a break, the list that OpenVPN gives decides: clients we do not know are admitted by name, clients that it no
 * longer knows have ended.
 */
export class OpenvpnClients implements OpenvpnListener, InnerAddresses {
  readonly #protocol: OpenvpnProtocol;
  readonly #sessions: Sessions;
  readonly #auth: AuthSource;
  readonly #clock: Clock;
  readonly #send: (command: string) => void;
  readonly #left: () => void;
  readonly #vacated: (key: number) => void;
  readonly #clients = new Map<number, Client>();
  readonly #inner = new Map<number, number>();
  readonly #listed = new Set<number>();
  #pid: number | undefined;

  constructor(parts: {
    readonly protocol: OpenvpnProtocol;
    readonly sessions: Sessions;
    readonly auth: AuthSource;
    readonly clock: Clock;
    readonly send: (command: string) => void;
    /** A client has gone. */
    readonly left: () => void;
    /** An inner address has no client any more; see {@link innerKey}. */
    readonly vacated?: ((key: number) => void) | undefined;
  }) {
    this.#protocol = parts.protocol;
    this.#sessions = parts.sessions;
    this.#auth = parts.auth;
    this.#clock = parts.clock;
    this.#send = parts.send;
    this.#left = parts.left;
    this.#vacated = parts.vacated ?? (() => undefined);
  }

  sessionAt(bytes: Uint8Array, start: number, length: 4 | 16): SessionId | undefined {
    const cid = this.#inner.get(innerKey(bytes, start, length));
    return cid === undefined ? undefined : this.#clients.get(cid)?.session;
  }

  /** A connection begins. If it is to another process than before, the clients of the old one are gone with it. */
  pid(pid: number): void {
    this.#listed.clear();
    if (this.#pid !== pid) this.allEnded();
    this.#pid = pid;
  }

  login(login: OpenvpnLogin): void {
    const { cid, kid, entitlement } = login;
    if (login.byToken && entitlement !== undefined) this.#replace(login);
    const answer = this.#clients.has(cid) ? this.#stillValid(entitlement) : this.#admit(login);
    if (answer === 'valid') this.#send(`client-auth-nt ${cid} ${kid}`);
    else this.#deny(cid, kid, answer, entitlement);
  }

  established(cid: number): void {
    const client = this.#clients.get(cid);
    if (client !== undefined) this.#sessions.established(client.session);
  }

  address(cid: number, inner: number): void {
    const client = this.#clients.get(cid);
    if (client === undefined) return;
    client.inner.add(inner);
    this.#inner.set(inner, cid);
  }

  counted(cid: number, totalBytes: number): void {
    const client = this.#clients.get(cid);
    if (client !== undefined) this.#sessions.progress(client.session, totalBytes);
  }

  ended(cid: number, totalBytes: number | undefined): void {
    const client = this.#clients.get(cid);
    if (client === undefined) return;
    const vacated = Array.from(client.inner).filter((inner) => this.#inner.get(inner) === cid);
    for (const inner of vacated) this.#inner.delete(inner);
    this.#clients.delete(cid);
    this.#sessions.ended(client.session, totalBytes);
    for (const inner of vacated) this.#vacated(inner);
    this.#left();
  }

  /** OpenVPN is gone, and its clients with it. What was counted last is what they used. */
  allEnded(): void {
    for (const cid of this.#clients.keys()) this.ended(cid, undefined);
  }

  listed(row: OpenvpnRow): void {
    this.#listed.add(row.cid);
    if (this.#clients.has(row.cid)) this.#stillThere(row);
    else if (row.state === 'up') this.#takeOver(row);
    // Its question was lost. It asks again at once when it is sent away, and after a minute when it is not.
    else if (row.state === 'waiting') this.#send(`client-kill ${row.cid}`);
  }

  listEnd(): void {
    for (const cid of this.#clients.keys()) if (!this.#listed.has(cid)) this.ended(cid, undefined);
    this.#listed.clear();
  }

  #stillThere({ cid, totalBytes, entitlement }: OpenvpnRow): void {
    this.counted(cid, totalBytes);
    const kill = this.#clients.get(cid)?.kill;
    if (kill !== undefined) this.#send(kill);
    else if (this.#stillValid(entitlement) === 'valid') this.#agreeToKeys(cid);
  }

  /**
   * OpenVPN asks once about new keys, and drops the client when no answer comes within a minute. Which question was lost
   * is not to be learnt, so each is answered; OpenVPN passes over answers to what it does not wait for. It has locked
   * the client's username, which is as secret as the password, and it is the name by which the client may stay.
   */
  #agreeToKeys(cid: number): void {
    const answers = Array.from({ length: MOST_KEYS }, (_, kid) => `client-auth-nt ${cid} ${kid}`);
    this.#send(answers.join('\n'));
  }

  /** A session from before the agent's restart: it goes on if its customer still may. */
  #takeOver(row: OpenvpnRow): void {
    const { cid, totalBytes, inner4, inner6 } = row;
    if (this.#admit({ ...row, tokenSession: -1 }) !== 'valid') {
      this.#send(`client-kill ${cid}`);
      return;
    }
    this.established(cid);
    this.counted(cid, totalBytes);
    for (const inner of [inner4, inner6]) if (inner >= 0) this.address(cid, inner);
    this.#agreeToKeys(cid);
  }

  /** A client that lost its connection is back before OpenVPN has missed it: it must not need a second seat. */
  #replace({ cid, tokenSession }: OpenvpnLogin): void {
    for (const [old, client] of this.#clients) {
      if (old === cid || client.tokenSession !== tokenSession || tokenSession < 0) continue;
      this.#send(`client-kill ${old}`);
      this.ended(old, undefined);
    }
  }

  #admit({
    cid,
    entitlement,
    origin,
    tokenSession,
  }: Pick<OpenvpnLogin, 'cid' | 'entitlement' | 'origin' | 'tokenSession'>): Refusal | 'valid' {
    const seats = entitlement?.seats ?? 0;
    const end = (reason: EndReason) => this.#end(cid, reason, seats);
    const answer = this.#sessions.admit({ protocol: this.#protocol, entitlement, origin, end });
    if (isRefusal(answer)) return answer;
    this.#clients.set(cid, { session: answer, tokenSession, inner: new Set(), kill: undefined });
    return 'valid';
  }

  #stillValid(entitlement: Entitlement | undefined): Refusal | 'valid' {
    if (entitlement === undefined) return 'unknown';
    return today(this.#clock) > entitlement.expiresOn ? 'expired' : 'valid';
  }

  /**
   * Without an auth file no login can be judged, and a gateway that is about to end takes none: a client is told to try
   * again, not that its password is wrong.
   */
  #deny(cid: number, kid: number, refusal: Refusal, entitlement: Entitlement | undefined): void {
    const shown =
      this.#auth.current === undefined || refusal === 'closing'
        ? 'TEMP[backoff 10]: the gateway is not ready yet'
        : reasonShown(refusal, entitlement?.seats ?? 0);
    this.#send(`client-deny ${cid} ${kid} "${refusal}" "${shown}"`);
  }

  /**
   * HALT is final and shown by every client, where AUTH_FAILED makes it try its password again. A session that ends for
   * no fault of its own is told to begin anew.
   */
  #end(cid: number, reason: EndReason, seats: number): void {
    const final = reason !== 'silent' && reason !== 'shutdown';
    const kill = final ? `client-kill ${cid} "HALT,${reasonShown(reason, seats)}"` : `client-kill ${cid}`;
    const client = this.#clients.get(cid);
    if (client !== undefined) client.kill = kill;
    this.#send(kill);
  }
}
