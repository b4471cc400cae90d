// SPDX-License-Identifier: AGPL-3.0-or-later
import { sql } from 'kysely';
import { type Stores, storesAboutCustomers } from '../../core/inventory/about.ts';
import { DATABASE } from '../../core/inventory/database.ts';
import { valueIndexes } from './order.store.ts';
import { type Database, tableOf } from './tables.ts';

/** A table about customers has no index that could give its rows an order. */
export class OrderError extends Error {
  override readonly name = 'OrderError';
}

/**
 * Makes the order of arrival unknowable, in every table that the inventory says is about customers. PostgreSQL keeps
 * rows where they were first written, and with each row the number of the transaction that wrote it: both tell which
 * came first. So every row is written again by one transaction, and then the table is copied into a fresh file in the
 * order of its values; the old file, with every deleted row in it, is removed. A checkpoint removes the write-ahead log
 * that still held them. No statistics are gathered: the planner's would be copies of the commonest values.
 *
 * Throws an UndeclaredError for a table without a mark and an OrderError for one without an order, before it changes any.
 */
export async function forgetOrder(db: Database, inventory: Stores = DATABASE): Promise<void> {
  const indexes = await valueIndexes(db);
  for (const { table, index, column } of orderOf(inventory, indexes)) {
    await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${sql.ref(column)}`.execute(db);
    await sql`cluster ${sql.table(table)} using ${sql.ref(index)}`.execute(db);
  }
  await sql`vacuum (freeze)`.execute(db);
  await sql`select pg_switch_wal()`.execute(db);
  await sql`checkpoint`.execute(db);
}

/** Each table about customers, with its index and a column to touch. */
function orderOf(inventory: Stores, indexes: ReadonlyMap<string, string>) {
  return storesAboutCustomers(inventory).map((store) => {
    const table = tableOf(store);
    const index = indexes.get(table);
    const [column] = Object.keys(inventory[store]?.fields ?? {});
    if (index === undefined || column === undefined) throw new OrderError(`${table} has no order of its values`);
    return { table, index, column };
  });
}
