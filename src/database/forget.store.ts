// SPDX-License-Identifier: AGPL-3.0-or-later
import { sql } from 'kysely';
import type { Database, TableName } from './tables.ts';

/** Tables about customers, each with the index whose order its rows shall lie in, and a column to touch. */
const ORDERED = [
  { table: 'accounts', index: 'accounts_pkey', column: 'id' },
  { table: 'licences', index: 'licences_pkey', column: 'id' },
  { table: 'sign_ins', index: 'sign_ins_pkey', column: 'token_hash' },
  { table: 'credentials', index: 'credentials_pkey', column: 'licence' },
  { table: 'devices', index: 'devices_pkey', column: 'public_key' },
  { table: 'activations', index: 'activations_by_value', column: 'app' },
  { table: 'usage_events', index: 'usage_events_by_value', column: 'user' },
  { table: 'usage_batches', index: 'usage_batches_pkey', column: 'batch' },
] as const satisfies readonly { table: TableName; index: string; column: string }[];

/**
 * Makes the order of arrival unknowable. PostgreSQL keeps rows where they were first written, and with each row the
 * number of the transaction that wrote it: both tell which came first. So every row is written again by one
 * transaction, and then the table is copied into a fresh file in the order of its values; the old file, with every
 * deleted row in it, is removed. A checkpoint removes the write-ahead log that still held them. No statistics are
 * gathered: the planner's would be copies of the commonest values.
 */
export async function forgetOrder(db: Database): Promise<void> {
  for (const { table, index, column } of ORDERED) {
    await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${sql.ref(column)}`.execute(db);
    await sql`cluster ${sql.table(table)} using ${sql.ref(index)}`.execute(db);
  }
  await sql`vacuum (freeze)`.execute(db);
  await sql`select pg_switch_wal()`.execute(db);
  await sql`checkpoint`.execute(db);
}
