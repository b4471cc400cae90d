// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from 'zod';
import { type EpochDay, isoDate, parseIsoDate } from '../../core/clock/clock.ts';
import { valueAllowed } from '../../core/inventory/guard.ts';
import type { UsageTag } from '../../core/licences/licence.ts';
import { PROTOCOLS, type UsageRecord } from '../../core/sessions/session.ts';
import { countryCode, type IspName, ispName } from './isp.ts';

/** Whole units of 10^6 bytes, rounded up. */
export type Megabytes = number & { readonly __unit: 'megabytes' };

/**
 * What remains of a session: six fields, of which country and ISP are one. Each value comes from a closed set, a hash, a
 * date or a count, or from the public register of networks; none can hold an address, a name or a time.
 */
export const USAGE_EVENT = z
  .strictObject({
    /** `2026-11-21` */
    date: z.string().refine((date) => parseIsoDate(date) !== undefined),
    user: z.custom<UsageTag>((tag) => typeof tag === 'string' && /^[0-9a-f]{16}$/.test(tag)),
    country: z.custom<string>((code) => valueAllowed('country', code)),
    isp: z.custom<IspName>((name) => valueAllowed('isp', name)),
    megabytes: z.custom<Megabytes>((count) => valueAllowed('megabytes', count)),
    location: z.custom<string>((word) => valueAllowed('word', word)),
    protocol: z.enum(PROTOCOLS),
  })
  .readonly();

export type UsageEvent = z.output<typeof USAGE_EVENT>;

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
