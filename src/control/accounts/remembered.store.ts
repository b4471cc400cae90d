// SPDX-License-Identifier: AGPL-3.0-or-later
import { sql } from 'kysely';
import type { CustomerStore } from '../../core/inventory/about.ts';
import type { CustomerKey } from '../../core/inventory/datum.ts';
import type { LicenceId } from '../../core/licences/licence.ts';
import { type Database, tableOf } from '../database/tables.ts';

/** The values of a customer's keys. There may be several usage tags, or none. */
export type CustomerKeys = Readonly<Record<CustomerKey, readonly (string | number)[]>>;

/** A row as it was read. */
export type StoredRow = Readonly<Record<string, unknown>>;

/** Some of the rows of a table that lead to this customer, in the order of their values. */
export async function rowsAbout(
  db: Database,
  keys: CustomerKeys,
  store: CustomerStore,
  part: { readonly limit: number; readonly offset: number },
): Promise<StoredRow[]> {
  const { rows } = await sql<StoredRow>`
    select * from ${sql.table(tableOf(store.name))} where ${sql.ref(store.column)} = any (${keys[store.customer]})
    order by ${sql.join(sortedColumns(store).map((column) => sql.ref(column)))}
    limit ${part.limit} offset ${part.offset}`.execute(db);
  return rows;
}

/** Amounts come last, so that like rows are together. */
function sortedColumns({ fields }: CustomerStore): string[] {
  const isAmount = (column: string) => fields[column]?.kind === 'megabytes';
  const columns = Object.keys(fields);
  return [...columns.filter((column) => !isAmount(column)), ...columns.filter(isAmount)];
}

/** The salted hashes of the usernames of a licence, from which its usage tags are made. */
export async function nameKeysOf(db: Database, licence: LicenceId): Promise<Uint8Array[]> {
  const rows = await db.selectFrom('credentials').where('licence', '=', licence).select('name_key').execute();
  return rows.map((row) => row.name_key);
}
