// SPDX-License-Identifier: AGPL-3.0-or-later
import { sql } from 'kysely';
import type { Stores } from '../../core/inventory/about.ts';
import type { About, Declaration } from '../../core/inventory/datum.ts';
import { type Database, tableOf } from './tables.ts';

/** A foreign key: a column that repeats a value of another table. */
interface Link {
  readonly table: string;
  readonly column: string;
  readonly target: string;
  readonly key: string;
}

/** The column in which a customer's key is first written, and to which all others refer. */
const ORIGIN = { account: 'accounts.id', licence: 'licences.id' } as const;

/**
 * Compares the inventory's marks with the foreign keys of the real schema. A column that shall lead to a customer must
 * refer to an account or a licence, or hold the keyed hash that is a usage tag. A table that refers to a table about
 * customers must not say that it leads to none of them, nor refer to one by a second column: its rows would be about two
 * customers and shown to one.
 *
 * Known hole: a column that repeats such a key without a foreign key is not seen.
 */
export async function linkFindings(db: Database, inventory: Stores): Promise<string[]> {
  const links = await realLinks(db);
  return Object.entries(inventory).flatMap(([store, { about, fields }]) => {
    const table = tableOf(store);
    const own = links.filter((link) => link.table === table);
    // A table without a mark is a finding already.
    if (about === undefined) return [];
    const toCustomers = own.filter(({ target }) => inventory[`database.${target}`]?.about !== 'service');
    if (typeof about === 'string') {
      return toCustomers.map(
        ({ column, target }) => `${table}.${column} refers to ${target}, but ${table} does not say so`,
      );
    }
    if (!leads(table, about, fields, own)) return [`${table}.${about.column} leads to no ${about.customer}`];
    return toCustomers
      .filter(({ column }) => column !== about.column)
      .map(({ column, target }) => `${table}.${column} refers to ${target}, but ${table} is shown by ${about.column}`);
  });
}

function leads(table: string, about: Exclude<About, string>, fields: Declaration, links: readonly Link[]): boolean {
  if (about.customer === 'usage tag') return fields[about.column]?.kind === 'digest';
  const origin = ORIGIN[about.customer];
  if (origin === `${table}.${about.column}`) return true;
  return links.some(({ column, target, key }) => column === about.column && `${target}.${key}` === origin);
}

async function realLinks(db: Database): Promise<readonly Link[]> {
  const { rows } = await sql<Link>`
    select t.relname as table, a.attname as column, f.relname as target, k.attname as key
    from pg_constraint c join pg_class t on t.oid = c.conrelid join pg_class f on f.oid = c.confrelid
      join lateral unnest(c.conkey, c.confkey) as pair (here, there) on true
      join pg_attribute a on a.attrelid = t.oid and a.attnum = pair.here
      join pg_attribute k on k.attrelid = f.oid and k.attnum = pair.there
    where c.contype = 'f' and t.relnamespace = 'public'::regnamespace and f.relnamespace = t.relnamespace`.execute(db);
  return rows;
}
