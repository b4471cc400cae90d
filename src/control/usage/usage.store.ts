// SPDX-License-Identifier: AGPL-3.0-or-later
import { type EpochDay, isoDate } from '../../core/clock/clock.ts';
import { type Database, declared, type Tables } from '../database/tables.ts';

/** An event as it is stored: six facts and nothing else. */
export type StoredEvent = Tables['usage_events'];

/** PostgreSQL takes at most 65,535 parameters in one statement. */
const ROWS_AT_ONCE = 1000;

/** Stores the events of a batch once, however often it comes. Gives false when it was there already. */
export async function storeBatch(
  db: Database,
  batch: string,
  day: EpochDay,
  events: readonly StoredEvent[],
): Promise<boolean> {
  return db.transaction().execute(async (transaction) => {
    const fresh = await transaction
      .insertInto('usage_batches')
      .values(declared('usage_batches', { batch, received_on: isoDate(day) }))
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (fresh.numInsertedOrUpdatedRows !== 1n) return false;
    for (let at = 0; at < events.length; at += ROWS_AT_ONCE) {
      const rows = events.slice(at, at + ROWS_AT_ONCE).map((event) => declared('usage_events', event));
      await transaction.insertInto('usage_events').values(rows).execute();
    }
    return true;
  });
}

/** Sum of megabytes by tag since `day`, largest first. */
export async function heaviestTags(
  db: Database,
  day: EpochDay,
  most: number,
): Promise<{ readonly user: string; readonly megabytes: number }[]> {
  const rows = await db
    .selectFrom('usage_events')
    .where('date', '>=', isoDate(day))
    .groupBy('user')
    .select(({ fn }) => ['user', fn.sum('megabytes').as('megabytes')])
    .orderBy('megabytes', 'desc')
    .orderBy('user')
    .limit(most)
    .execute();
  return rows.map((row) => ({ user: row.user, megabytes: Number(row.megabytes) }));
}

export async function deleteEvents(db: Database, before: EpochDay): Promise<void> {
  await db.deleteFrom('usage_events').where('date', '<', isoDate(before)).execute();
}

export async function deleteBatches(db: Database, before: EpochDay): Promise<void> {
  await db.deleteFrom('usage_batches').where('received_on', '<', isoDate(before)).execute();
}
