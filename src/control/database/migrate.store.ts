// SPDX-License-Identifier: AGPL-3.0-or-later
import { sql } from 'kysely';
import { MIGRATIONS, type Migration } from './migrations.ts';
import type { Database } from './tables.ts';
import { declared } from './tables.ts';

/** Any fixed number: it keeps two copies of the program from migrating at the same time. */
const LOCK = 76_101_116;

export type SchemaState = 'current' | 'newer_than_program';

/**
 * Brings the schema up to date: each missing migration in the order of its number, in a transaction of its own.
 * A database that a newer program has changed is left alone.
 */
export async function migrate(db: Database, migrations: readonly Migration[] = MIGRATIONS): Promise<SchemaState> {
  const newest = Math.max(...migrations.map((migration) => migration.number));
  if ((await highestDone(db)) > newest) return 'newer_than_program';
  for (const migration of migrations) {
    await db.transaction().execute(async (transaction) => {
      await sql`select pg_advisory_xact_lock(${LOCK})`.execute(transaction);
      const done = await transaction
        .selectFrom('migrations')
        .where('number', '=', migration.number)
        .select('number')
        .executeTakeFirst();
      if (done !== undefined) return;
      await migration.up(transaction);
      await transaction
        .insertInto('migrations')
        .values(declared('migrations', { number: migration.number }))
        .execute();
    });
  }
  return 'current';
}

async function highestDone(db: Database): Promise<number> {
  await db.transaction().execute(async (transaction) => {
    await sql`select pg_advisory_xact_lock(${LOCK})`.execute(transaction);
    await transaction.schema
      .createTable('migrations')
      .ifNotExists()
      .addColumn('number', 'integer', (c) => c.primaryKey())
      .execute();
  });
  const row = await db
    .selectFrom('migrations')
    .select(({ fn }) => fn.max('number').as('number'))
    .executeTakeFirst();
  return row?.number ?? 0;
}
