// SPDX-License-Identifier: AGPL-3.0-or-later

/**
 * What a value may look like. Each kind has one test in guard.ts, applied whenever a value is stored or sent, so a
 * field cannot carry more than it declares.
 */
export type Kind =
  | 'date' // 2026-11-21, no time
  | 'count' // whole number, 0 to 2^53 - 1
  | 'megabytes' // whole number of 10^6 bytes, rounded up
  | 'flag' // true or false
  | 'random' // random identifier: hex or base64url, says nothing
  | 'digest' // hash or MAC: hex or base64url
  | 'bytes' // opaque binary: verifiers, public keys, ciphertext
  | 'public-key' // base64
  | 'country' // two capital letters or unknown
  | 'isp' // name of a network, never an address
  | 'word' // member of a closed set: lower-case letters, digits, '.', '_' and '-'
  | 'name' // short text chosen by the operator or by a program, never an address
  | 'secret' // shown once, stored nowhere
  | 'document'; // a public text or a rendered profile

export type Holder = 'control' | 'gateway' | 'customer' | 'operator';

/** One datum that the service may keep or send. What is not declared here can be neither stored nor sent (X1). */
export interface Datum {
  readonly kind: Kind;
  readonly purpose: string;
  readonly holder: Holder;
  /** How long it lives, in words that the privacy policy repeats. */
  readonly retention: string;
  /** Rows of the mission that ask for it. */
  readonly rows: readonly string[];
}

/** A record's fields by name. Stores are named `database.TABLE`, `api.SCHEMA`, `exit.MESSAGE`, `journal.CODE`, `live.TABLE`,
 * `activator.TABLE`, `attested.MESSAGE`. */
export type Declaration = Readonly<Record<string, Datum>>;
