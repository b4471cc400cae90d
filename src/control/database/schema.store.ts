// SPDX-License-Identifier: AGPL-3.0-or-later
import { sql } from 'kysely';
import { isMarked, type Stores } from '../../core/inventory/about.ts';
import { DATABASE } from '../../core/inventory/database.ts';
import type { Kind } from '../../core/inventory/datum.ts';
import { linkFindings } from './links.store.ts';
import { valueIndexes } from './order.store.ts';
import { type Database, tableOf } from './tables.ts';

/** Column types that may carry each kind. No kind allows a time, an address of the network, or free-form JSON. */
const TYPES: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  date: ['date'],
  count: ['smallint', 'integer', 'bigint'],
  megabytes: ['bigint'],
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
    ...(await unexpectedObjects(db)),
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

async function realColumns(db: Database): Promise<readonly Column[]> {
  const { rows } = await sql<Column>`
    select table_name as table, column_name as column, data_type as type,
           coalesce(column_default, identity_generation, generation_expression) as default
    from information_schema.columns
    where table_schema not in ('pg_catalog', 'information_schema')`.execute(db);
  return rows;
}

/** Things beside columns that could keep or copy data: counters that tell an order, triggers, functions, comments. */
async function unexpectedObjects(db: Database): Promise<string[]> {
  const { rows } = await sql<{ finding: string }>`
    select 'sequence ' || sequence_name as finding from information_schema.sequences
    union all select 'trigger ' || trigger_name from information_schema.triggers
    union all select 'function ' || routine_name from information_schema.routines
      where routine_schema not in ('pg_catalog', 'information_schema')
    union all select 'view ' || table_name from information_schema.views
      where table_schema not in ('pg_catalog', 'information_schema')
    union all select 'comment on ' || c.relname from pg_description d join pg_class c on c.oid = d.objoid
      join pg_namespace n on n.oid = c.relnamespace where n.nspname not in ('pg_catalog', 'information_schema')
    union all select 'large object' from pg_largeobject_metadata`.execute(db);
  return rows.map((row) => row.finding);
}
