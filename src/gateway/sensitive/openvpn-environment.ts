// SPDX-License-Identifier: AGPL-3.0-or-later

import { parseAddress } from '../../bytes/text/address.ts';
import { base64Number, hasControl, isWord, standsAt, wholeNumber, word } from '../../bytes/text/scan.ts';
import type { AuthSource } from '../../contracts/authfile/authfile.ts';
import type { Entitlement } from '../../core/licences/licence.ts';
import type { Origin } from '../../core/sessions/session.ts';
import type { OriginLookup } from '../geoip/origin.ts';

const USERNAME = word('username=');
const PASSWORD = word('password=');
const SESSION_STATE = word('session_state=');
const AUTHENTICATED = word('Authenticated');
const SESSION_ID = word('session_id=');
const ADDRESS4 = word('untrusted_ip=');
const ADDRESS6 = word('untrusted_ip6=');
const RECEIVED = word('bytes_received=');
const SENT = word('bytes_sent=');

/** Who a client is and where it comes from, as far as anybody may know. */
export interface OpenvpnClient {
  readonly entitlement: Entitlement | undefined;
  readonly origin: Origin;
  /** The password was a token that OpenVPN gave out and found good. */
  readonly byToken: boolean;
  /** A random number that OpenVPN's token carries through all connections of one run of a client; -1 for none. */
  readonly tokenSession: number;
}

/** Longest username and password that are looked up, in bytes. */
const LONGEST = 256;

/**
 * The variables that OpenVPN sends with a notification about one client. They are kept only until the notification is
 * complete, in one buffer; of some forty variables only those are read that a decision needs.
 */
export class ClientEnvironment {
  readonly #auth: AuthSource;
  readonly #origin: OriginLookup;
  /** Username in the first half, password in the second. */
  readonly #secrets = new Uint8Array(new ArrayBuffer(2 * LONGEST));
  readonly #address = new Uint8Array(new ArrayBuffer(16));
  #userLength = 0;
  #passwordLength = 0;
  #addressLength: 0 | 4 | 16 = 0;
  #token = false;
  #tokenSession = -1;
  #received = -1;
  #sent = -1;

  constructor(auth: AuthSource, origin: OriginLookup) {
    this.#auth = auth;
    this.#origin = origin;
  }

  /** One `name=value` in `line[at]` to `line[end - 1]`. */
  take(line: Uint8Array, at: number, end: number): void {
    const value = (name: Uint8Array) => at + name.length;
    if (standsAt(line, at, end, USERNAME)) this.#userLength = this.#keep(line, value(USERNAME), end, 0);
    else if (standsAt(line, at, end, PASSWORD)) this.#passwordLength = this.#keep(line, value(PASSWORD), end, LONGEST);
    else if (standsAt(line, at, end, SESSION_STATE))
      this.#token = isWord(line, value(SESSION_STATE), end, AUTHENTICATED);
    else if (standsAt(line, at, end, SESSION_ID)) this.#tokenSession = base64Number(line, value(SESSION_ID), end);
    else if (standsAt(line, at, end, ADDRESS4)) this.#takeAddress(line, value(ADDRESS4), end);
    else if (standsAt(line, at, end, ADDRESS6)) this.#takeAddress(line, value(ADDRESS6), end);
    else if (standsAt(line, at, end, RECEIVED)) this.#received = wholeNumber(line, value(RECEIVED), end);
    else if (standsAt(line, at, end, SENT)) this.#sent = wholeNumber(line, value(SENT), end);
  }

  /**
   * What the client may do, and where it comes from. Where OpenVPN says that the password is a token which it gave out
   * itself and which is still good (`external-auth`), the customer must only still exist.
   */
  lookUp(): OpenvpnClient {
    return {
      entitlement: this.#entitlement(),
      origin: this.#origin.of(this.#address, 0, this.#addressLength === 16 ? 16 : 4),
      byToken: this.#token,
      tokenSession: this.#tokenSession,
    };
  }

  /** Both directions together; undefined for a client that was never let in, whose environment is empty. */
  totalBytes(): number | undefined {
    return this.#received < 0 || this.#sent < 0 ? undefined : this.#received + this.#sent;
  }

  wipe(): void {
    this.#secrets.fill(0);
    this.#address.fill(0);
    this.#userLength = 0;
    this.#passwordLength = 0;
    this.#addressLength = 0;
    this.#token = false;
    this.#tokenSession = -1;
    this.#received = -1;
    this.#sent = -1;
  }

  #entitlement(): Entitlement | undefined {
    const auth = this.#auth.current;
    if (this.#userLength === 0) return undefined;
    if (this.#token) return auth?.name(this.#secrets, 0, this.#userLength)?.entitlement;
    if (this.#passwordLength === 0) return undefined;
    return auth?.login(this.#secrets, 0, this.#userLength, LONGEST, LONGEST + this.#passwordLength);
  }

  /** Its length; 0 for what cannot be a credential of ours. */
  #keep(line: Uint8Array, start: number, end: number, at: number): number {
    if (end - start > LONGEST || hasControl(line, start, end)) return 0;
    for (let i = start; i < end; i += 1) this.#secrets[at + i - start] = line[i] as number;
    return end - start;
  }

  #takeAddress(line: Uint8Array, start: number, end: number): void {
    this.#addressLength = parseAddress(line, start, end, this.#address);
  }
}
