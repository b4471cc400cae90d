// SPDX-License-Identifier: AGPL-3.0-or-later
import { type EpochDay, isoDate } from '../../core/clock/clock.ts';
import type { UsageTag } from '../../core/licences/licence.ts';
import type { Protocol, UsageRecord } from '../../core/sessions/session.ts';
import { countryCode, type IspName, ispName } from './isp.ts';

/** Whole units of 10^6 bytes, rounded up. */
export type Megabytes = number & { readonly __unit: 'megabytes' };

/**
 * What remains of a session (S9): six fields, of which country and ISP are one. Each value comes from a closed set, a
 * hash, a date or a count, or from the public register of networks; none can hold an address, a name or a time.
 */
export interface UsageEvent {
  /** `2026-11-21` */
  readonly date: string;
  readonly user: UsageTag;
  readonly country: string;
  readonly isp: IspName;
  readonly megabytes: Megabytes;
  readonly location: string;
  readonly protocol: Protocol;
}

export function usageEvent(record: UsageRecord, location: string, day: EpochDay): UsageEvent {
  return {
    date: isoDate(day),
    user: record.usageTag,
    country: countryCode(record.origin.country),
    isp: ispName(record.origin.isp),
    megabytes: megabytes(record.totalBytes),
    location,
    protocol: record.protocol,
  };
}

/** A session that carried anything counts one at least, so that an exact small number never shows. */
export function megabytes(bytes: number): Megabytes {
  return Math.ceil(bytes / 1_000_000) as Megabytes;
}
