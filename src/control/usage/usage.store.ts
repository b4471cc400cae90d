// SPDX-License-Identifier: AGPL-3.0-or-later
import { type EpochDay, isoDate } from '../../core/clock/clock.ts';
import { copyRows, inTransaction } from '../database/copy.os.ts';
import { type Database, declared, type Tables } from '../database/tables.ts';

/** An event as it is stored: six facts and nothing else. */
export type StoredEvent = Tables['usage_events'];

/** Stores the events of a batch once, however often it comes. Gives false when it was there already. */
export async function storeBatch(
  db: Database,
  batch: string,
  day: EpochDay,
  events: readonly StoredEvent[],
): Promise<boolean> {
  const row = declared('usage_batches', { batch, received_on: isoDate(day) });
  for (const event of events) declared('usage_events', event);
  return inTransaction(db, async (client) => {
    const insert = 'insert into usage_batches (batch, received_on) values ($1, $2) on conflict do nothing';
    const { rowCount } = await client.query(insert, [row.batch, row.received_on]);
    if (rowCount !== 1) return false;
    await copyRows(client, 'usage_events', events);
    return true;
  });
}

/** Sum of megabytes by stored tag since `day`. */
export async function sumsByTag(
  db: Database,
  day: EpochDay,
): Promise<{ readonly user: string; readonly megabytes: number }[]> {
  const rows = await db
    .selectFrom('usage_events')
    .where('date', '>=', isoDate(day))
    .groupBy('user')
    .select(({ fn }) => ['user', fn.sum('megabytes').as('megabytes')])
    .execute();
  return rows.map((row) => ({ user: row.user, megabytes: Number(row.megabytes) }));
}

export async function deleteEvents(db: Database, before: EpochDay): Promise<void> {
  await db.deleteFrom('usage_events').where('date', '<', isoDate(before)).execute();
}

export async function deleteBatches(db: Database, before: EpochDay): Promise<void> {
  await db.deleteFrom('usage_batches').where('received_on', '<', isoDate(before)).execute();
}
