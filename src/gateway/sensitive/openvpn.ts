// SPDX-License-Identifier: AGPL-3.0-or-later

import { uint32At } from '../../bytes/formats/reader.ts';
import { parseAddress } from '../../bytes/text/address.ts';
import { Lines } from '../../bytes/text/lines.ts';
import { fieldEnd, isWord, standsAt, wholeNumber, word } from '../../bytes/text/scan.ts';
import type { AuthSource } from '../../contracts/authfile/authfile.ts';
import type { Entitlement } from '../../core/licences/licence.ts';
import type { Origin } from '../../core/sessions/session.ts';
import type { OriginLookup } from '../geoip/origin.ts';
import { ClientEnvironment, type OpenvpnClient } from './openvpn-environment.ts';

/** Who asks to come in, or to stay in after a renegotiation. `cid` and `kid` are OpenVPN's numbers for client and key. */
export interface OpenvpnLogin extends OpenvpnClient {
  readonly cid: number;
  readonly kid: number;
}

/** A row of the list of clients that OpenVPN gives when asked. */
export interface OpenvpnRow {
  readonly cid: number;
  /** By username alone: OpenVPN lists whom it has let in, or is waiting to. */
  readonly entitlement: Entitlement | undefined;
  readonly origin: Origin;
  readonly totalBytes: number;
  /** `handshake`: has not asked yet; `waiting`: has asked and got no answer; `up`: its tunnel carries packets. */
  readonly state: 'handshake' | 'waiting' | 'up';
  readonly inner4: number;
  readonly inner6: number;
}

/** What is learnt from OpenVPN: numbers that it or we chose, and what a lookup gave. Nothing of the customer's. */
export interface OpenvpnListener {
  pid(pid: number): void;
  login(login: OpenvpnLogin): void;
  established(cid: number): void;
  /** The client has this address inside the tunnel now; see {@link innerKey}. */
  address(cid: number, inner: number): void;
  counted(cid: number, totalBytes: number): void;
  /** `undefined` for one that was never let in. */
  ended(cid: number, totalBytes: number | undefined): void;
  listed(row: OpenvpnRow): void;
  listEnd(): void;
}

const CLIENT = word('>CLIENT:');
const ENVIRONMENT = word('>CLIENT:ENV,');
const CONNECT = word('CONNECT,');
const REAUTH = word('REAUTH,');
const ESTABLISHED = word('ESTABLISHED,');
const DISCONNECT = word('DISCONNECT,');
const ADDRESS = word('ADDRESS,');
const COUNT = word('>BYTECOUNT_CLI:');
const PID = word('SUCCESS: pid=');
const ROW = word('CLIENT_LIST\t');
const END = word('END');
const NOBODY = word('UNDEF');
const COMMA = 0x2c;
const TAB = 0x09;
const COLON = 0x3a;

/** Columns of `CLIENT_LIST` in `status 3`, OpenVPN 2.6. */
const COLUMN = { realAddress: 1, address4: 2, address6: 3, received: 4, sent: 5, username: 8, cid: 9 } as const;
const COLUMNS = 12;

/**
 * Makes one number of an address inside a tunnel: the 32 bits of an IPv4 address, or of an IPv6 address the 16 bits that
 * tell a gateway's pools apart and the last 32. OpenVPN gave the address out; it says nothing about where a client is.
 */
export function innerKey(bytes: Uint8Array, start: number, length: 4 | 16): number {
  const pool = length === 4 ? 0 : 256 * (bytes[start + 6] as number) + (bytes[start + 7] as number) + 1;
  return pool * 2 ** 32 + uint32At(bytes, start + length - 4);
}

/**
 * Reads OpenVPN's management interface (management-notes.txt of OpenVPN 2.6). Usernames, passwords and
 * addresses are looked up in place, and wiped.
 */
export class OpenvpnReader {
  readonly #lines = new Lines();
  readonly #environment: ClientEnvironment;
  readonly #auth: AuthSource;
  readonly #origin: OriginLookup;
  readonly #listener: OpenvpnListener;
  readonly #address = new Uint8Array(new ArrayBuffer(16));
  readonly #ends = new Int32Array(new ArrayBuffer(4 * COLUMNS));
  #notice: 'connect' | 'disconnect' | 'none' = 'none';
  #cid = 0;
  #kid = 0;

  constructor(auth: AuthSource, origin: OriginLookup, listener: OpenvpnListener) {
    this.#auth = auth;
    this.#origin = origin;
    this.#listener = listener;
    this.#environment = new ClientEnvironment(auth, origin);
  }

  /** Where the socket must put what it reads. */
  get receive(): Uint8Array {
    return this.#lines.receive;
  }

  /** `count` bytes have come into `receive`. False: this is not OpenVPN's protocol. Hang up and begin anew. */
  received(count: number): boolean {
    return this.#lines.received(count, (line, length) => this.#line(line, length));
  }

  /** The connection is over: wipes whatever was half read. */
  wipe(): void {
    this.#lines.wipe();
    this.#environment.wipe();
    this.#notice = 'none';
  }

  /** Lines of other kinds are passed over: OpenVPN may say more than we ask. */
  #line(line: Uint8Array, length: number): boolean {
    if (standsAt(line, 0, length, ENVIRONMENT)) return this.#variable(line, ENVIRONMENT.length, length);
    if (standsAt(line, 0, length, CLIENT)) return this.#notification(line, CLIENT.length, length);
    if (standsAt(line, 0, length, COUNT)) return this.#counted(line, COUNT.length, length);
    if (standsAt(line, 0, length, ROW)) return this.#listed(line, ROW.length, length);
    if (standsAt(line, 0, length, PID)) return this.#pid(line, PID.length, length);
    if (isWord(line, 0, length, END)) this.#listener.listEnd();
    return true;
  }

  #notification(line: Uint8Array, at: number, length: number): boolean {
    this.#environment.wipe();
    this.#notice = 'none';
    if (standsAt(line, at, length, CONNECT)) return this.#begin('connect', line, at + CONNECT.length, length);
    if (standsAt(line, at, length, REAUTH)) return this.#begin('connect', line, at + REAUTH.length, length);
    if (standsAt(line, at, length, DISCONNECT)) return this.#begin('disconnect', line, at + DISCONNECT.length, length);
    if (standsAt(line, at, length, ADDRESS)) return this.#addressed(line, at + ADDRESS.length, length);
    if (!standsAt(line, at, length, ESTABLISHED)) return true;
    const cid = wholeNumber(line, at + ESTABLISHED.length, length);
    if (cid < 0) return false;
    this.#listener.established(cid);
    return true;
  }

  /** A notification whose environment follows. */
  #begin(notice: 'connect' | 'disconnect', line: Uint8Array, at: number, length: number): boolean {
    const comma = fieldEnd(line, at, length, COMMA);
    this.#cid = wholeNumber(line, at, comma);
    this.#kid = notice === 'connect' ? wholeNumber(line, comma + 1, length) : 0;
    this.#notice = notice;
    return this.#cid >= 0 && this.#kid >= 0;
  }

  #variable(line: Uint8Array, at: number, length: number): boolean {
    if (!isWord(line, at, length, END)) {
      if (this.#notice !== 'none') this.#environment.take(line, at, length);
      return true;
    }
    try {
      this.#finish();
    } finally {
      this.#environment.wipe();
      this.#notice = 'none';
    }
    return true;
  }

  #finish(): void {
    const cid = this.#cid;
    if (this.#notice === 'connect') {
      this.#listener.login({ cid, kid: this.#kid, ...this.#environment.lookUp() });
    } else if (this.#notice === 'disconnect') {
      this.#listener.ended(cid, this.#environment.totalBytes());
    }
  }

  #addressed(line: Uint8Array, at: number, length: number): boolean {
    const comma = fieldEnd(line, at, length, COMMA);
    const cid = wholeNumber(line, at, comma);
    const inner = this.#inner(line, comma + 1, fieldEnd(line, comma + 1, length, COMMA));
    if (cid < 0 || inner < 0) return false;
    this.#listener.address(cid, inner);
    return true;
  }

  #counted(line: Uint8Array, at: number, length: number): boolean {
    const first = fieldEnd(line, at, length, COMMA);
    const second = fieldEnd(line, first + 1, length, COMMA);
    const cid = wholeNumber(line, at, first);
    const received = wholeNumber(line, first + 1, second);
    const sent = wholeNumber(line, second + 1, length);
    if (cid < 0 || received < 0 || sent < 0) return false;
    this.#listener.counted(cid, received + sent);
    return true;
  }

  #pid(line: Uint8Array, at: number, length: number): boolean {
    const pid = wholeNumber(line, at, length);
    if (pid < 0) return false;
    this.#listener.pid(pid);
    return true;
  }

  #listed(line: Uint8Array, at: number, length: number): boolean {
    const ends = this.#ends;
    let next = at;
    for (let column = 0; column < COLUMNS; column += 1) {
      if (next > length) return false;
      ends[column] = fieldEnd(line, next, length, TAB);
      next = (ends[column] as number) + 1;
    }
    const cid = this.#column(line, COLUMN.cid);
    const received = this.#column(line, COLUMN.received);
    const sent = this.#column(line, COLUMN.sent);
    if (cid < 0 || received < 0 || sent < 0) return false;
    const inner4 = this.#inner(line, this.#start(COLUMN.address4), ends[COLUMN.address4] as number);
    const inner6 = this.#inner(line, this.#start(COLUMN.address6), ends[COLUMN.address6] as number);
    const user = this.#start(COLUMN.username);
    const userEnd = ends[COLUMN.username] as number;
    const asked = !isWord(line, user, userEnd, NOBODY);
    this.#listener.listed({
      cid,
      entitlement: this.#auth.current?.name(line, user, userEnd)?.entitlement,
      origin: this.#rowOrigin(line),
      totalBytes: received + sent,
      state: inner4 >= 0 ? 'up' : asked ? 'waiting' : 'handshake',
      inner4,
      inner6,
    });
    return true;
  }

  #start(column: number): number {
    return (this.#ends[column - 1] as number) + 1;
  }

  #column(line: Uint8Array, column: number): number {
    return wholeNumber(line, this.#start(column), this.#ends[column] as number);
  }

  /** `203.0.113.7:50000`; IPv6 addresses come without a port. */
  #rowOrigin(line: Uint8Array): Origin {
    const start = this.#start(COLUMN.realAddress);
    const end = this.#ends[COLUMN.realAddress] as number;
    try {
      const whole = parseAddress(line, start, end, this.#address);
      const length = whole === 0 ? parseAddress(line, start, fieldEnd(line, start, end, COLON), this.#address) : whole;
      return this.#origin.of(this.#address, 0, length === 0 ? 4 : length);
    } finally {
      this.#address.fill(0);
    }
  }

  /** See {@link innerKey}; -1 when there is no address. */
  #inner(line: Uint8Array, start: number, end: number): number {
    const length = parseAddress(line, start, end, this.#address);
    return length === 0 ? -1 : innerKey(this.#address, 0, length);
  }
}
