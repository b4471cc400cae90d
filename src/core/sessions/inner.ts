// SPDX-License-Identifier: AGPL-3.0-or-later
import type { SessionId } from './session.ts';

/**
 * Finds the session behind an address inside the tunnel, which the gateway gave out itself. Each tunnel answers for
 * its own pools. There is no such lookup for the address a session came from.
 */
export interface InnerAddresses {
  /** 4 or 16 address bytes in place, network order. Undefined when no session has it now. */
  sessionAt(bytes: Uint8Array, start: number, length: 4 | 16): SessionId | undefined;
}

/** Host 0 is the network itself and host 1 the gateway; customers come after them. */
export const FIRST_HOST = 2;

/** No host has this number or a greater one: the widest private IPv4 network, 10.0.0.0/8, has no address for it. */
export const END_OF_HOSTS = 2 ** 24;

/** The inner addresses of one tunnel's customers: host n has the n-th address of both pools. */
export interface InnerPools {
  /** 4 and 16 bytes: the networks' first addresses. */
  readonly base4: Uint8Array;
  readonly base6: Uint8Array;
  /** Hosts are below this number, customers' hosts from {@link FIRST_HOST} on. */
  readonly hosts: number;
}

/** Byte `index` of the address of `host` in the pool that begins at `base`. */
export function innerByte(base: Uint8Array, host: number, index: number): number {
  const shift = 8 * (base.length - 1 - index);
  const part = shift > 24 ? 0 : (host >>> shift) & 0xff;
  return (base[index] as number) | part;
}
