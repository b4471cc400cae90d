// SPDX-License-Identifier: AGPL-3.0-or-later
import { isIPv6 } from 'node:net';

/** How many connections may be open at the same time. */
export interface CrowdLimits {
  /** From one source: an IPv4 address, or an IPv6 network of 64 bits. */
  readonly perSource: number;
  /** Of strangers together. */
  readonly strangers: number;
  /** Addresses for whom a place is kept, however many strangers there are. Asked at each connection. */
  readonly known: () => ReadonlySet<string>;
}

/**
 * Counts who is connected, so that no source takes the places of the others, and all strangers together none of those
 * who are known. Hostile input: anybody may connect as often as they like. Holds the sources of open connections alone.
 */
export class Crowd {
  readonly #limits: CrowdLimits;
  readonly #sources = new Map<string, number>();
  #strangers = 0;

  constructor(limits: CrowdLimits) {
    this.#limits = limits;
  }

  /** Lets somebody in and gives what is to be called when they leave, or undefined: there is no place. */
  enter(address: string): (() => void) | undefined {
    const { perSource, strangers, known } = this.#limits;
    const source = sourceOf(address);
    const open = this.#sources.get(source) ?? 0;
    if (open >= perSource) return undefined;
    const stranger = !known().has(plainAddress(address));
    if (stranger && this.#strangers >= strangers) return undefined;
    this.#sources.set(source, open + 1);
    if (stranger) this.#strangers += 1;
    return () => this.#leave(source, stranger);
  }

  #leave(source: string, stranger: boolean): void {
    const left = (this.#sources.get(source) ?? 0) - 1;
    if (left > 0) this.#sources.set(source, left);
    else this.#sources.delete(source);
    if (stranger) this.#strangers -= 1;
  }
}

/** Addresses in the form in which connections have them. */
export function knownAddresses(addresses: readonly (string | undefined)[]): Set<string> {
  const given = addresses.filter((address) => address !== undefined);
  return new Set(
    given.map((address) => (isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address)),
  );
}

/** An address as configurations write it: `::ffff:192.0.2.7` and `fe80::1%eth0` are 192.0.2.7 and fe80::1. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=[\d.]+$)/, '').replace(/%.*$/, '');
}

/** One who has an IPv6 address commonly has the 64 bits of its network. */
function sourceOf(address: string): string {
  const plain = plainAddress(address);
  if (!plain.includes(':')) return plain;
  const [head = [], tail = []] = plain.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = Array.from({ length: Math.max(0, 8 - head.length - tail.length) }, () => '0');
  return [...head, ...zeros, ...tail].slice(0, 4).join(':');
}
