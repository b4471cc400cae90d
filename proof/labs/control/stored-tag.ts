// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Database } from '../../../src/control/database/tables.ts';
import { monthOf, saltsFor } from '../../../src/control/usage/salt.store.ts';
import { type StoredTag, storedTagOf, type UsageKey } from '../../../src/control/usage/tag.ts';
import type { UsageTag } from '../../../src/core/licences/licence.ts';
import { systemRandom } from '../../../src/core/random/random.ts';

/** What control stores for an event of this day with this tag. */
export async function storedTag(db: Database, key: UsageKey, date: string, tag: UsageTag): Promise<StoredTag> {
  const month = monthOf(date);
  const salts = await saltsFor(db, [month], systemRandom);
  return storedTagOf(key, salts.get(month) as Uint8Array, tag);
}
