// SPDX-License-Identifier: AGPL-3.0-or-later
import { below, type Random } from '../../../core/random/random.ts';
import { FIRST_HOST } from '../../../core/sessions/inner.ts';

/**
 * The hosts whose inner addresses no customer has. A host that was given back is as likely to be next as any other free
 * one, so an address tells nothing about the order of arrivals.
 */
export class FreeHosts {
  readonly #random: Random;
  /** The free hosts in any order, and the place of each host in that list, counted from 1; 0 is nowhere. */
  readonly #free: number[] = [];
  readonly #place: Uint32Array;

  /** All hosts below `hosts` are free at first. */
  constructor(hosts: number, random: Random) {
    this.#random = random;
    this.#place = new Uint32Array(hosts);
    for (let host = FIRST_HOST; host < hosts; host += 1) this.release(host);
  }

  get count(): number {
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
}
