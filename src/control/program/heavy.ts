// SPDX-License-Identifier: AGPL-3.0-or-later
import type { EpochDay } from '../../core/clock/clock.ts';
import type { LicenceId } from '../../core/licences/licence.ts';
import { namesOfLicences } from '../accounts/credential.store.ts';
import type { Database } from '../database/tables.ts';
import { presentSalts } from '../usage/salt.store.ts';
import { type StoredTag, storedTagOf, type UsageKey, usageTagsOf } from '../usage/tag.ts';
import { sumsByTag } from '../usage/usage.store.ts';

/** A licence and what went through its sessions, in and out together. */
export interface HeavyUse {
  readonly licence: LicenceId;
  readonly megabytes: number;
}

/**
 * The licences with the most traffic since a day, so that an operator can speak to a customer who uses more than
 * thousands of others together. Only the holder of the usage key can ask this, only for credentials that are still in use,
 * and only until the salt of the month is deleted.
 */
export async function heavyUsers(db: Database, key: UsageKey, since: EpochDay, most = 20): Promise<HeavyUse[]> {
  const licences = await licencesByTag(db, key);
  const used = new Map<LicenceId, number>();
  for (const { user, megabytes } of await sumsByTag(db, since)) {
    const licence = licences.get(user as StoredTag);
    if (licence !== undefined) used.set(licence, (used.get(licence) ?? 0) + megabytes);
  }
  const uses = [...used].map(([licence, megabytes]) => ({ licence, megabytes }));
  return uses.toSorted((a, b) => b.megabytes - a.megabytes || a.licence - b.licence).slice(0, most);
}

/** A licence has a tag for its present username and one for itself, in this month and in the one before. */
async function licencesByTag(db: Database, key: UsageKey): Promise<Map<StoredTag, LicenceId>> {
  const salts = await presentSalts(db);
  const licences = new Map<StoredTag, LicenceId>();
  for (const { licence, nameKey } of await namesOfLicences(db)) {
    for (const tag of usageTagsOf(key, licence, nameKey)) {
      for (const salt of salts) licences.set(storedTagOf(key, salt, tag), licence);
    }
  }
  return licences;
}
