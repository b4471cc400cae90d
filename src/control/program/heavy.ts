// SPDX-License-Identifier: AGPL-3.0-or-later
import type { EpochDay } from '../../core/clock/clock.ts';
import type { LicenceId } from '../../core/licences/licence.ts';
import { namesInUse } from '../accounts/credential.store.ts';
import type { Database } from '../database/tables.ts';
import { type UsageKey, usageTagOf } from '../usage/tag.ts';
import { heaviestTags } from '../usage/usage.store.ts';

/** A licence and what went through its sessions, in and out together. */
export interface HeavyUse {
  readonly licence: LicenceId;
  readonly megabytes: number;
}

/**
 * The licences with the most traffic since a day, so that an operator can speak to a customer who uses more than
 * thousands of others together. Only the holder of the usage key can ask this, and only for credentials that
 * are still in use: tags that no present username makes are left out.
 */
export async function heavyUsers(db: Database, key: UsageKey, since: EpochDay, most = 20): Promise<HeavyUse[]> {
  const names = await namesInUse(db);
  const licences = new Map(names.map((row) => [usageTagOf(key, row.name_key) as string, row.licence]));
  const tags = await heaviestTags(db, since, most);
  return tags.flatMap(({ user, megabytes }) => {
    const licence = licences.get(user);
    return licence === undefined ? [] : [{ licence: licence as LicenceId, megabytes }];
  });
}
