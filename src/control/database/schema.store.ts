// SPDX-License-Identifier: AGPL-3.0-or-later
import { sql } from 'kysely';
import { isMarked, type Stores } from '../../core/inventory/about.ts';
import { DATABASE } from '../../core/inventory/database.ts';
import type { Kind } from '../../core/inventory/datum.ts';
import { linkFindings } from './links.store.ts';
import { objectFindings } from './objects.store.ts';
import { valueIndexes } from './order.store.ts';
import { type Database, tableOf } from './tables.ts';

/** Column types that may carry each kind. No kind allows a time, an address of the network, or free-form JSON. */
const TYPES: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  date: ['date'],
  count: ['smallint', 'integer', 'bigint'],
  megabytes: ['bigint'],
  flag: ['boolean'],
  random: ['text'],
  digest: ['text'],
  bytes: ['bytea'],
  country: ['text'],
  isp: ['text'],
  word: ['text'],
};

interface Column {
  readonly table: string;
  readonly column: string;
  readonly type: string;
  readonly default: string | null;
}

/**
 * Compares the real schema with the inventory, both ways, and says in words what does not match. Control refuses to
 * serve unless this is empty: an undeclared column is never filled, and no table about customers is forgotten
 * where their rows are put in order or shown to them.
 */
export async function schemaFindings(db: Database, inventory: Stores = DATABASE): Promise<string[]> {
  const findings = [
    ...(await objectFindings(db, Object.keys(inventory).map(tableOf))),
    ...columnFindings(await realColumns(db), inventory),
    ...markFindings(await valueIndexes(db), inventory),
    ...(await linkFindings(db, inventory)),
  ];
  return findings.sort();
}

function columnFindings(columns: readonly Column[], inventory: Stores): string[] {
  const findings: string[] = [];
  for (const { table, column, type, default: preset } of columns) {
    const datum = inventory[`database.${table}`]?.fields[column];
    if (datum === undefined) findings.push(`${table}.${column} is not in the inventory`);
    else if (TYPES[datum.kind]?.includes(type) !== true) findings.push(`${table}.${column} has the type ${type}`);
    if (preset !== null) findings.push(`${table}.${column} fills itself in`);
  }
  for (const [store, { fields }] of Object.entries(inventory)) {
    const table = tableOf(store);
    for (const column of Object.keys(fields)) {
      if (!columns.some((real) => real.table === table && real.column === column)) {
        findings.push(`${table}.${column} is declared but does not exist`);
      }
    }
  }
  return findings;
}

/** Tables that do not say whom they are about, and tables about customers whose rows nothing puts in order. */
function markFindings(indexes: ReadonlyMap<string, string>, inventory: Stores): string[] {
  return Object.entries(inventory).flatMap(([store, declared]) => {
    const table = tableOf(store);
    if (!isMarked(declared)) return [`${table} does not say whom it is about`];
    return declared.about === 'service' || indexes.has(table) ? [] : [`${table} has no order of its values`];
  });
}

/** Tables elsewhere than in the schema `public` are findings themselves. */
async function realColumns(db: Database): Promise<readonly Column[]> {
  const { rows } = await sql<Column>`
    select c.relname as table, a.attname as column, format_type(a.atttypid, null) as type,
           coalesce(pg_get_expr(d.adbin, d.adrelid), nullif(a.attidentity::text, '')) as default
    from pg_attribute a join pg_class c on c.oid = a.attrelid
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
      and a.attnum > 0 and not a.attisdropped`.execute(db);
  return rows;
}
