// SPDX-License-Identifier: AGPL-3.0-or-later

import { parseAddress } from '../../../bytes/text/address.ts';
import { below, type Random } from '../../../core/random/random.ts';

/** The gateway has host 1. */
const FIRST = 2;
/** Hosts are numbered in 16 bits, whatever the pools hold. */
const MOST = 65_535;

interface Block {
  readonly base: Uint8Array;
  readonly hosts: number;
}

function block(cidr: string, length: 4 | 16): Block {
  const [text = '', prefix = ''] = cidr.split('/');
  const base = new Uint8Array(16);
  const bytes = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
  if (parseAddress(bytes, 0, bytes.length, base) !== length) throw new RangeError('not an address pool');
  return { base: base.slice(0, length), hosts: 2 ** Math.min(length * 8 - Number(prefix), 16) };
}

/**
 * The inner addresses of IKEv2 customers: host n has the n-th IPv4 and the n-th IPv6 address. A host that was given
 * back is as likely to be next as any other free one, so an address tells nothing about the order of arrivals.
 */
export class InnerPool {
  readonly #four: Block;
  readonly #six: Block;
  readonly #random: Random;
  /** The free hosts in any order, and where in that list each host stands; 0 is nowhere. */
  readonly #free: number[] = [];
  readonly #place: Uint32Array;

  constructor(pool4: string, pool6: string, random: Random) {
    this.#four = block(pool4, 4);
    this.#six = block(pool6, 16);
    this.#random = random;
    // The last IPv4 address is the broadcast address.
    const last = Math.min(this.#four.hosts - 2, this.#six.hosts - 1, MOST);
    this.#place = new Uint32Array(last + 1);
    for (let host = FIRST; host <= last; host += 1) this.release(host);
  }

  get free(): number {
    return this.#free.length;
  }

  /** Undefined when all are taken. */
  take(): number | undefined {
    if (this.#free.length === 0) return undefined;
    const host = this.#free[below(this.#random, this.#free.length)] as number;
    this.claim(host);
    return host;
  }

  /** Takes this very host. False if it is taken already, or not one of ours. */
  claim(host: number): boolean {
    const place = this.#place[host] ?? 0;
    if (place === 0) return false;
    const last = this.#free.pop() as number;
    if (last !== host) {
      this.#free[place - 1] = last;
      this.#place[last] = place;
    }
    this.#place[host] = 0;
    return true;
  }

  release(host: number): void {
    this.#free.push(host);
    this.#place[host] = this.#free.length;
  }

  /** Writes both addresses of a host. */
  write(host: number, four: Uint8Array, six: Uint8Array): void {
    for (const [bytes, { base }] of [
      [four, this.#four],
      [six, this.#six],
    ] as const) {
      bytes.set(base);
      const last = base.length - 1;
      bytes[last] = (base[last] as number) + (host & 0xff);
      bytes[last - 1] = (base[last - 1] as number) + (host >>> 8);
    }
  }

  /** The host with the address of 4 or 16 bytes that begins at `start`, or 0. */
  hostOf(bytes: Uint8Array, start: number, length: 4 | 16): number {
    const { base, hosts } = length === 4 ? this.#four : this.#six;
    for (let i = 0; i < length - 2; i += 1) if (bytes[start + i] !== base[i]) return 0;
    const last = start + length - 1;
    const value = ((bytes[last - 1] as number) << 8) | (bytes[last] as number);
    const first = ((base[length - 2] as number) << 8) | (base[length - 1] as number);
    const host = value - first;
    return host >= FIRST && host < hosts ? host : 0;
  }
}
