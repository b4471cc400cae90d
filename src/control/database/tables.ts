// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Kysely, Transaction } from 'kysely';
import type { DATABASE } from '../../core/inventory/database.ts';
import type { Kind } from '../../core/inventory/datum.ts';
import { assertDeclared } from '../../core/inventory/guard.ts';

type Value<K extends Kind> = K extends 'count' | 'megabytes'
  ? number
  : K extends 'flag'
    ? boolean
    : K extends 'bytes'
      ? Uint8Array
      : string;

type Declared = typeof DATABASE;
export type TableName = {
  [Store in keyof Declared]: Store extends `database.${infer Name}` ? Name : never;
}[keyof Declared];

/** The tables as the compiler sees them, derived from the inventory: SQL cannot name a column that is not declared. */
export type Tables = {
  [Name in TableName]: {
    [Column in keyof Declared[`database.${Name}`]['fields']]: Declared[`database.${Name}`]['fields'][Column] extends {
      kind: infer K extends Kind;
    }
      ? Value<K>
      : never;
  };
};

export type Database = Kysely<Tables>;
export type AnyTransaction = Transaction<Tables>;

/** A row on its way into a table. Throws an UndeclaredError instead of letting anything else be stored. */
export function declared<Name extends TableName>(table: Name, row: Tables[Name]): Tables[Name] {
  assertDeclared(`database.${table}`, row);
  return row;
}

/** `accounts` for `database.accounts`. */
export function tableOf(store: string): string {
  return store.slice('database.'.length);
}
