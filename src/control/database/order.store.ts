// SPDX-License-Identifier: AGPL-3.0-or-later
import { sql } from 'kysely';
import type { Database } from './tables.ts';

/**
 * By table, the index whose order is the order of the rows' values: the primary key, or else an index over every column.
 * A table that has neither is not in it. An index over a part of the rows or over an expression does not count.
 */
export async function valueIndexes(db: Database): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql<{ table: string; index: string }>`
    select t.relname as table, i.relname as index
    from pg_index x join pg_class t on t.oid = x.indrelid join pg_class i on i.oid = x.indexrelid
      join pg_am m on m.oid = i.relam
    where t.relnamespace = 'public'::regnamespace and m.amname = 'btree' and x.indisvalid and x.indpred is null
      and (x.indisprimary or (
        select bool_and(a.attnum = any (x.indkey)) from pg_attribute a
        where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped))
    order by x.indisprimary`.execute(db);
  return new Map(rows.map(({ table, index }) => [table, index]));
}
