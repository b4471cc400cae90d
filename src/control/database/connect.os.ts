// SPDX-License-Identifier: AGPL-3.0-or-later
import { Kysely, PostgresDialect } from 'kysely';
import { Client, Pool, types } from 'pg';
import { DATABASE_NAME, ROLE } from './settings.ts';
import type { Database, Tables } from './tables.ts';

/** Dates stay text (a Date object has a time), and whole numbers become numbers. */
export const PARSERS: typeof types.getTypeParser = (
  oid: Parameters<typeof types.getTypeParser>[0],
  format?: 'text' | 'binary',
) => {
  if (oid === types.builtins.DATE) return (value: string) => value;
  if (oid === types.builtins.INT8) return Number;
  return types.getTypeParser(oid, format);
};

/** So many statements are known by a name; there are fewer in the program. */
const MOST_NAMES = 200;
/** Statements with more parameters are of many lengths, and would each be another. */
const MOST_PARAMETERS = 20;

/**
 * Gives each statement that has parameters a name, under which the server keeps its plan for the connection: asked so, it
 * costs half. The names are those of all connections. A statement holds no value, and is in the server's memory alone.
 */
class NamingClient extends Client {
  static readonly #names = new Map<string, string>();

  // Statements come in one of the client's many forms; all others are passed on as they are.
  override query(...asked: unknown[]): never {
    const [text, values, callback] = asked;
    const name = callback === undefined ? NamingClient.#nameOf(text, values) : undefined;
    const words = name === undefined ? asked : [{ name, text, values }];
    return super.query<never>(...(words as [never]));
  }

  static #nameOf(text: unknown, values: unknown): string | undefined {
    if (typeof text !== 'string' || !Array.isArray(values)) return undefined;
    // A plan for every column is of no use once a table has another.
    if (values.length === 0 || values.length > MOST_PARAMETERS || text.includes('*')) return undefined;
    const known = NamingClient.#names.get(text);
    if (known !== undefined || NamingClient.#names.size >= MOST_NAMES) return known;
    const name = `s${NamingClient.#names.size}`;
    NamingClient.#names.set(text, name);
    return name;
  }
}

/**
 * Connects on demand, at most ten at once. A connection that breaks is replaced; `destroy()` ends all. `place` is the
 * directory of a Unix socket, or a `postgresql://` URL.
 */
export function connect(place: string): Database {
  const pool = new Pool({
    ...(place.startsWith('/') ? { host: place, user: ROLE, database: DATABASE_NAME } : { connectionString: place }),
    Client: NamingClient,
    max: 10,
    connectionTimeoutMillis: 5000,
    types: { getTypeParser: PARSERS },
  });
  // An idle connection that breaks is not an event: the next query opens another or fails by itself.
  pool.on('error', () => undefined);
  // One that breaks while it is used fails the query that uses it. Unheard, its event would end the program as well.
  pool.on('connect', (client) => client.on('error', () => undefined));
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
