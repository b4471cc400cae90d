// SPDX-License-Identifier: AGPL-3.0-or-later

import { parseAddress } from '../../bytes/text/address.ts';
import { hexDigit, isWord, lastOf, wholeNumber, word } from '../../bytes/text/scan.ts';
import { type InnerPools, innerByte } from '../../core/sessions/inner.ts';
import { KEY } from './uapi.ts';

/** One peer as the daemon describes it, in buffers that the next one takes over. */
export class PeerDescription {
  readonly key = new Uint8Array(new ArrayBuffer(KEY));
  /** Where it was last heard from: address bytes in network order, and how many. */
  readonly endpoint = new Uint8Array(new ArrayBuffer(16));
  endpointLength: 0 | 4 | 16 = 0;
  /** Wall time of the last handshake; zeros for none. */
  seconds = 0;
  nanoseconds = 0;
  received = 0;
  sent = 0;
  readonly #inner4 = new Uint8Array(new ArrayBuffer(16));
  readonly #inner6 = new Uint8Array(new ArrayBuffer(16));
  #whole4 = 0;
  #whole6 = 0;
  #others = 0;

  /** One of the inner addresses that the daemon lets it use: `100.64.0.2/32` */
  allow(bytes: Uint8Array, start: number, end: number): boolean {
    const slash = lastOf(bytes, start, end, SLASH);
    if (slash < 0) return false;
    const prefix = wholeNumber(bytes, slash + 1, end);
    const inner = this.#whole4 === 0 && prefix === 32 ? this.#inner4 : this.#inner6;
    const length = parseAddress(bytes, start, slash, inner);
    if (length === 4 && prefix === 32 && inner === this.#inner4) this.#whole4 = 1;
    else if (length === 16 && prefix === 128 && this.#whole6 === 0) this.#whole6 = 1;
    else this.#others += 1;
    return length !== 0 && prefix >= 0;
  }

  /** Whether it may use the two addresses of `host` and no other. */
  isHost(pools: InnerPools, host: number): boolean {
    if (this.#whole4 + this.#whole6 !== 2 || this.#others !== 0) return false;
    for (let i = 0; i < 4; i += 1) if (this.#inner4[i] !== innerByte(pools.base4, host, i)) return false;
    for (let i = 0; i < 16; i += 1) if (this.#inner6[i] !== innerByte(pools.base6, host, i)) return false;
    return true;
  }

  wipe(): void {
    this.key.fill(0);
    this.endpoint.fill(0);
    this.endpointLength = 0;
    this.seconds = 0;
    this.nanoseconds = 0;
    this.received = 0;
    this.sent = 0;
    this.#inner4.fill(0);
    this.#inner6.fill(0);
    this.#whole4 = 0;
    this.#whole6 = 0;
    this.#others = 0;
  }
}

const WORDS = {
  publicKey: word('public_key'),
  endpoint: word('endpoint'),
  seconds: word('last_handshake_time_sec'),
  nanoseconds: word('last_handshake_time_nsec'),
  received: word('rx_bytes'),
  sent: word('tx_bytes'),
  allowedIp: word('allowed_ip'),
  errno: word('errno'),
};

const NEWLINE = 0x0a;
const EQUALS = 0x3d;
const SLASH = 0x2f;
const COLON = 0x3a;
const MINUS = 0x2d;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const PERCENT = 0x25;

/** Longer than any line of the protocol. */
const LONGEST_LINE = 160;

/**
 * Reads one reply as it arrives, line by line, in place.
 *
 *     open --errno=N--> closing --empty line--> done
 *       |                  |
 *       +-- anything that is not the protocol --> junk
 *
 * The daemon is trusted, and yet nothing it sends can do worse than end the reading.
 */
export class UapiReply {
  readonly peer = new PeerDescription();
  readonly #line = new Uint8Array(new ArrayBuffer(LONGEST_LINE));
  readonly #onPeer: () => void;
  #length = 0;
  #inPeer = false;
  state: 'open' | 'closing' | 'done' | 'junk' = 'open';
  /** 0 when the daemon did what it was asked. */
  errno = 0;

  /** `onPeer` is called for each peer while `peer` describes it. */
  constructor(onPeer: () => void) {
    this.#onPeer = onPeer;
  }

  feed(bytes: Uint8Array, length: number): void {
    for (let i = 0; i < length && this.state !== 'junk'; i += 1) {
      const byte = bytes[i] as number;
      if (byte === NEWLINE) {
        this.#readLine();
        this.#length = 0;
      } else if (this.state === 'done' || this.#length === LONGEST_LINE) {
        this.state = 'junk';
      } else {
        this.#line[this.#length] = byte;
        this.#length += 1;
      }
    }
  }

  /** Forgets what was read, and is ready for the next reply. */
  wipe(): void {
    this.peer.wipe();
    this.#line.fill(0);
    this.#length = 0;
    this.#inPeer = false;
    this.state = 'open';
    this.errno = 0;
  }

  #readLine(): void {
    if (this.state === 'closing') {
      this.state = this.#length === 0 ? 'done' : 'junk';
      return;
    }
    const equals = this.#line.subarray(0, this.#length).indexOf(EQUALS);
    if (this.state !== 'open' || equals < 1 || !this.#readValue(equals, equals + 1)) this.state = 'junk';
  }

  #readValue(name: number, value: number): boolean {
    const line = this.#line;
    const end = this.#length;
    if (isWord(line, 0, name, WORDS.publicKey)) {
      this.#closePeer();
      this.#inPeer = true;
      return readKey(line, value, end, this.peer.key);
    }
    if (isWord(line, 0, name, WORDS.errno)) {
      this.#closePeer();
      this.state = 'closing';
      this.errno = wholeNumber(line, line[value] === MINUS ? value + 1 : value, end);
      return this.errno >= 0;
    }
    return !this.#inPeer || this.#readPeerValue(name, value, end);
  }

  #readPeerValue(name: number, value: number, end: number): boolean {
    const line = this.#line;
    const { peer } = this;
    if (isWord(line, 0, name, WORDS.endpoint)) {
      peer.endpointLength = readEndpoint(line, value, end, peer.endpoint);
      return peer.endpointLength !== 0;
    }
    if (isWord(line, 0, name, WORDS.allowedIp)) return peer.allow(line, value, end);
    if (isWord(line, 0, name, WORDS.seconds)) return (peer.seconds = wholeNumber(line, value, end)) >= 0;
    if (isWord(line, 0, name, WORDS.nanoseconds)) return (peer.nanoseconds = wholeNumber(line, value, end)) >= 0;
    if (isWord(line, 0, name, WORDS.received)) return (peer.received = wholeNumber(line, value, end)) >= 0;
    if (isWord(line, 0, name, WORDS.sent)) return (peer.sent = wholeNumber(line, value, end)) >= 0;
    return true;
  }

  #closePeer(): void {
    if (this.#inPeer) this.#onPeer();
    this.peer.wipe();
    this.#inPeer = false;
  }
}

function readKey(bytes: Uint8Array, start: number, end: number, out: Uint8Array): boolean {
  if (end - start !== 2 * KEY) return false;
  for (let i = 0; i < KEY; i += 1) {
    const high = lowerHexDigit(bytes[start + 2 * i] as number);
    const low = lowerHexDigit(bytes[start + 2 * i + 1] as number);
    if (high < 0 || low < 0) return false;
    out[i] = (high << 4) | low;
  }
  return true;
}

/** The daemon writes keys in lower case only. */
function lowerHexDigit(byte: number): number {
  return byte >= 0x41 && byte <= 0x46 ? -1 : hexDigit(byte);
}

/** `198.51.100.7:51820`, `[2001:db8::7]:51820`, `[fe80::7%eth0]:51820`. The port is not looked at. */
function readEndpoint(bytes: Uint8Array, start: number, end: number, out: Uint8Array): 0 | 4 | 16 {
  const colon = lastOf(bytes, start, end, COLON);
  if (colon < 0) return 0;
  if (bytes[start] !== OPEN) return parseAddress(bytes, start, colon, out);
  if (bytes[colon - 1] !== CLOSE) return 0;
  const zone = lastOf(bytes, start, colon, PERCENT);
  return parseAddress(bytes, start + 1, zone < 0 ? colon - 1 : zone, out);
}
