// SPDX-License-Identifier: AGPL-3.0-or-later
import type { EpochDay } from '../clock/clock.ts';

/** A licence's random number, 1 to 2^39 - 1. Not an order of arrival. */
export type LicenceId = number & { readonly __unit: 'licence' };

/** The salted, keyed hash of a VPN username as written in usage events: 8 bytes as 16 lower-case hex digits. */
export type UsageTag = string & { readonly __unit: 'usage tag' };

/** What a credential allows. This is all that a gateway learns about a customer. */
export interface Entitlement {
  readonly licence: LicenceId;
  /** The last day on which it is valid. */
  readonly expiresOn: EpochDay;
  /** How many sessions at once, 1 to 255. */
  readonly seats: number;
  readonly usageTag: UsageTag;
}

/** What was bought: until when, and how many connections at once. */
export interface Licence {
  readonly id: LicenceId;
  /** The last day on which it is valid. */
  readonly expiresOn: EpochDay;
  readonly seats: number;
  /** It came with the sign-up and was never extended: strangers have as many as they like. */
  readonly trial: boolean;
}
