// SPDX-License-Identifier: AGPL-3.0-or-later
import { sql } from 'kysely';
import { type CustomerStore, customerStores, type Stores } from '../../core/inventory/about.ts';
import { DATABASE } from '../../core/inventory/database.ts';
import type { CustomerKey } from '../../core/inventory/datum.ts';
import type { LicenceId } from '../../core/licences/licence.ts';
import { type Database, tableOf } from '../database/tables.ts';

/** The values of a customer's keys. There may be several usage tags, or none. */
export type CustomerKeys = Readonly<Record<CustomerKey, readonly (string | number)[]>>;

/** A row as it was read, beside the store that declares it. */
export interface StoredRow {
  readonly store: CustomerStore;
  readonly row: Readonly<Record<string, unknown>>;
}

/** Every row of every table that leads to this customer, table by table in the order of the inventory. */
export async function rowsAbout(db: Database, keys: CustomerKeys, tables: Stores = DATABASE): Promise<StoredRow[]> {
  const found: StoredRow[] = [];
  for (const store of customerStores(tables)) {
    const { rows } = await sql<StoredRow['row']>`
      select * from ${sql.table(tableOf(store.name))} where ${sql.ref(store.column)} = any (${keys[store.customer]})
      order by ${sql.join(sortedColumns(store).map((column) => sql.ref(column)))}`.execute(db);
    found.push(...rows.map((row) => ({ store, row })));
  }
  return found;
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
