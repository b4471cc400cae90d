// SPDX-License-Identifier: AGPL-3.0-or-later
import { word } from '../../bytes/text/scan.ts';
import { type InnerPools, innerByte } from '../../core/sessions/inner.ts';

// Requests of WireGuard's cross-platform interface (https://www.wireguard.com/xplatform/), written in place.

export const KEY = 32;

/** The request for everything about the device. */
export const GET = word('get=1\n\n');

const SET = word('set=1\n');
const PUBLIC_KEY = word('public_key=');
const REMOVE = word('remove=true\n');
const REPLACE = word('replace_allowed_ips=true\n');
const ALLOWED_IP = word('allowed_ip=');
const WHOLE4 = word('/32\n');
const WHOLE6 = word('/128\n');
const HEX = word('0123456789abcdef');

const NEWLINE = 0x0a;
const DOT = 0x2e;
const COLON = 0x3a;
const ZERO = 0x30;

/** As many changes as fit go to the daemon at once. */
const LONGEST_REQUEST = 65_536;
/** Two keys, two addresses, and the words around them. */
const LONGEST_CHANGE = 512;

/** One request, in a buffer that is used for all of them and wiped after each. */
export class UapiRequest {
  readonly #bytes = new Uint8Array(new ArrayBuffer(LONGEST_REQUEST));
  readonly #pools: InnerPools;
  #length = 0;

  constructor(pools: InnerPools) {
    this.#pools = pools;
  }

  get empty(): boolean {
    return this.#length === 0;
  }

  /** Whether one more change fits. */
  get room(): boolean {
    return this.#length + LONGEST_CHANGE <= LONGEST_REQUEST;
  }

  /** A view of what is written, closed by an empty line. */
  finish(): Uint8Array {
    this.#bytes[this.#length] = NEWLINE;
    return this.#bytes.subarray(0, this.#length + 1);
  }

  remove(bytes: Uint8Array, key: number): void {
    this.#peer(bytes, key);
    this.#put(REMOVE);
  }

  add(bytes: Uint8Array, key: number, host: number): void {
    this.#peer(bytes, key);
    this.#put(REPLACE);
    this.#put(ALLOWED_IP);
    for (let i = 0; i < 4; i += 1) {
      if (i > 0) this.#byte(DOT);
      this.#decimal(innerByte(this.#pools.base4, host, i));
    }
    this.#put(WHOLE4);
    this.#put(ALLOWED_IP);
    for (let i = 0; i < 16; i += 1) {
      if (i > 0 && i % 2 === 0) this.#byte(COLON);
      this.#hex(innerByte(this.#pools.base6, host, i));
    }
    this.#put(WHOLE6);
  }

  wipe(): void {
    this.#bytes.fill(0, 0, this.#length + 1);
    this.#length = 0;
  }

  #peer(bytes: Uint8Array, key: number): void {
    if (this.#length === 0) this.#put(SET);
    this.#put(PUBLIC_KEY);
    for (let i = 0; i < KEY; i += 1) this.#hex(bytes[key + i] as number);
    this.#byte(NEWLINE);
  }

  #put(text: Uint8Array): void {
    for (let i = 0; i < text.length; i += 1) this.#byte(text[i] as number);
  }

  #byte(value: number): void {
    this.#bytes[this.#length] = value;
    this.#length += 1;
  }

  #hex(value: number): void {
    this.#byte(HEX[value >>> 4] as number);
    this.#byte(HEX[value & 15] as number);
  }

  #decimal(value: number): void {
    if (value >= 100) this.#byte(ZERO + Math.floor(value / 100));
    if (value >= 10) this.#byte(ZERO + (Math.floor(value / 10) % 10));
    this.#byte(ZERO + (value % 10));
  }
}
