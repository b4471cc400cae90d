// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Entitlement } from '../../core/licences/licence.ts';

/** What the file holds under a username alone. */
export interface NamedEntry {
  readonly entitlement: Entitlement;
  /** MD4 of the password in UTF-16LE, 16 bytes. A view into the file: neither keep nor change it. */
  readonly ntHash: Uint8Array;
}

/** A WireGuard peer. */
export interface Peer {
  /** 32 bytes. A view into the file: neither keep nor change it. */
  readonly publicKey: Uint8Array;
  readonly entitlement: Entitlement;
  /** The n-th address of the WireGuard pools, 2 or more. */
  readonly host: number;
}

/**
 * A verified auth file: who may connect, looked up in place over the caller's bytes. No credential becomes a string, and
 * nothing of it is left behind when a call returns.
 */
export interface AuthFile {
  readonly version: number;
  /** By username and password, two ranges of `bytes`. One SHA-256 is key and verifier at once. */
  login(
    bytes: Uint8Array,
    userStart: number,
    userEnd: number,
    passwordStart: number,
    passwordEnd: number,
  ): Entitlement | undefined;
  /** By username alone, for protocols that prove the password themselves and for sessions that are already up. */
  name(bytes: Uint8Array, start: number, end: number): NamedEntry | undefined;
  peers(): Iterable<Peer>;
  /** By the 32 bytes of the WireGuard public key that begin at `start`. */
  peer(bytes: Uint8Array, start: number): Peer | undefined;
}

/** What tunnels are given: the file in force, if any, and word of each change. */
export interface AuthSource {
  readonly current: AuthFile | undefined;
  onChange(listener: () => void): void;
}

/**
 * Why a file is not taken into use.
 * - `truncated`: shorter than its header says;
 * - `altered`: the header is genuine, the rest is not what was signed;
 * - `rollback`: older than the file in force, or of the same version with other content;
 * - `signature`: the header was not signed by the key of this service;
 * - `format`: not an auth file of a layout that this program knows.
 */
export type AuthFileRefusal = 'truncated' | 'altered' | 'rollback' | 'signature' | 'format';
