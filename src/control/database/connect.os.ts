// SPDX-License-Identifier: AGPL-3.0-or-later
import { Kysely, PostgresDialect } from 'kysely';
import { Pool, types } from 'pg';
import { DATABASE_NAME, ROLE } from './settings.ts';
import type { Database, Tables } from './tables.ts';

/** Dates stay text (a Date object has a time), and whole numbers become numbers. */
const PARSERS: typeof types.getTypeParser = (
  oid: Parameters<typeof types.getTypeParser>[0],
  format?: 'text' | 'binary',
) => {
  if (oid === types.builtins.DATE) return (value: string) => value;
  if (oid === types.builtins.INT8) return Number;
  return types.getTypeParser(oid, format);
};

/**
 * Connects on demand, at most ten at once. A connection that breaks is replaced; `destroy()` ends all. `place` is the
 * directory of a Unix socket, or a `postgresql://` URL.
 */
export function connect(place: string): Database {
  const pool = new Pool({
    ...(place.startsWith('/') ? { host: place, user: ROLE, database: DATABASE_NAME } : { connectionString: place }),
    max: 10,
    connectionTimeoutMillis: 5000,
    types: { getTypeParser: PARSERS },
  });
  // An idle connection that breaks is not an event: the next query opens another or fails by itself.
  pool.on('error', () => undefined);
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  POOLS.set(db, pool);
  return db;
}

const POOLS = new WeakMap<Database, Pool>();

/** The connections behind a database that {@link connect} opened. */
export function poolOf(db: Database): Pool {
  const pool = POOLS.get(db);
  if (pool === undefined) throw new TypeError('not a database that connect() opened');
  return pool;
}
