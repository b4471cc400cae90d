// SPDX-License-Identifier: AGPL-3.0-or-later
import { sql } from 'kysely';
import type { Database } from './tables.ts';

/** The lowest number that a running server gives to an object: those below came with PostgreSQL (FirstNormalObjectId). */
const FIRST_OF_OURS = 16_384;

/**
 * Everything in the database that is not one of `tables`, a plain table of the schema `public`, or what belongs to one:
 * its columns, its constraints, its B-tree indexes. Anything else could keep rows, copy them or tell an order, so it is
 * named, of whatever kind it is: each catalogue of PostgreSQL whose rows are objects is asked, those of later versions
 * too. Throws when one may not be asked.
 *
 * Known hole: what is no table and was made while the server ran in single-user mode, where numbers may be lower.
 */
export async function objectFindings(db: Database, tables: readonly string[]): Promise<string[]> {
  const catalogues = await objectCatalogues(db);
  return [...(await unexpectedObjects(db, catalogues, tables)), ...(await otherKeepers(db))];
}

/**
 * The catalogues of this database. Left out are those whose rows cannot be without a row of another: defaults (judged
 * with their column), values of enumerations, users of foreign servers. Large objects have numbers of their own.
 */
async function objectCatalogues(db: Database): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class c
    where relnamespace = 'pg_catalog'::regnamespace and relkind = 'r' and not relisshared
      and relname not in ('pg_attrdef', 'pg_enum', 'pg_user_mapping', 'pg_largeobject_metadata')
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'oid')
    order by relname`.execute(db);
  return rows.map(({ name }) => name);
}

async function unexpectedObjects(db: Database, catalogues: readonly string[], tables: readonly string[]) {
  const objects = catalogues.map(
    (name) => sql`
      select tableoid as class, oid from ${sql.table(`pg_catalog.${name}`)} where oid >= ${sql.lit(FIRST_OF_OURS)}`,
  );
  const { rows } = await sql<{ finding: string }>`
    with plain as (
      select oid from pg_class
      where relnamespace = 'public'::regnamespace and relname in (${sql.join([...tables])}) and relkind = 'r'
        and relpersistence = 'p' and relam = (select oid from pg_am where amname = 'heap') and reltablespace = 0
        and reloftype = 0 and not relispartition and not relrowsecurity and not relforcerowsecurity
    ), toast as (
      select reltoastrelid as oid from pg_class where oid in (select oid from plain) and reltoastrelid <> 0
    ), expected as (
      select 'pg_class'::regclass::oid as class, oid from plain
      union all select 'pg_class'::regclass, oid from toast
      union all select 'pg_class'::regclass, i.oid from pg_index x join pg_class i on i.oid = x.indexrelid
        where (x.indrelid in (select oid from plain) or x.indrelid in (select oid from toast))
          and i.relam = (select oid from pg_am where amname = 'btree') and i.reltablespace = 0
      -- Each table has the type of its rows and the type of an array of them.
      union all select 'pg_type'::regclass, oid from pg_type where typrelid in (select oid from plain)
      union all select 'pg_type'::regclass, a.oid from pg_type a join pg_type e on e.typarray = a.oid
        where e.typrelid in (select oid from plain)
      union all select 'pg_constraint'::regclass, oid from pg_constraint
        where conrelid in (select oid from plain) and contype in ('c', 'f', 'n', 'p', 'u')
      -- How PostgreSQL itself enforces a foreign key.
      union all select 'pg_trigger'::regclass, t.oid from pg_trigger t join pg_constraint c on c.oid = t.tgconstraint
        where t.tgisinternal and t.tgenabled = 'O' and c.contype = 'f' and t.tgrelid in (select oid from plain)
      -- PostgreSQL makes them for its sessions and never removes them; what lies in them is named.
      union all select 'pg_namespace'::regclass, oid from pg_namespace where nspname ~ '^pg_(toast_)?temp_[0-9]+$'
    )
    select o.type || ' ' || o.identity || ' is not expected' as finding
    from (
      select tableoid as class, oid from pg_class
      where relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'pg_toast')
      union ${sql.join(objects, sql` union `)}
    ) as object, pg_identify_object(object.class, object.oid, 0) as o
    where (object.class, object.oid) not in (select class, oid from expected)`.execute(db);
  return rows.map((row) => row.finding);
}

/** What keeps or copies data and is in no catalogue of objects, or in one that all databases share. */
async function otherKeepers(db: Database): Promise<string[]> {
  const { rows } = await sql<{ finding: string }>`
    select 'large object ' || oid || ' is not expected' as finding from pg_largeobject_metadata
    union all select 'subscription ' || subname || ' is not expected' from pg_subscription
      where subdbid = (select oid from pg_database where datname = current_database())
    union all select inhrelid::regclass || ' inherits from ' || inhparent::regclass from pg_inherits
    union all select 'comment on ' || o.identity || ' is not expected'
      from pg_description d, pg_identify_object(d.classoid, d.objoid, 0) as o
      where d.objoid >= ${sql.lit(FIRST_OF_OURS)}
    union all select 'label on ' || objname || ' is not expected' from pg_seclabels`.execute(db);
  return rows.map((row) => row.finding);
}
