// SPDX-License-Identifier: AGPL-3.0-or-later
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { PARSERS } from '../../src/control/database/connect.os.ts';
import { DATABASE_NAME, ROLE } from '../../src/control/database/settings.ts';
import { type Database, declared, type Tables } from '../../src/control/database/tables.ts';
import type { StoredEvent } from '../../src/control/usage/usage.store.ts';
import { type Child, run } from '../../src/host/processes/process.os.ts';
import type { TemporaryDatabase } from '../labs/database/temporary.os.ts';
import { cpuSecondsOf } from './openvpn-sides.os.ts';

export const EVENT_COLUMNS = ['date', 'user', 'country', 'isp', 'megabytes', 'location', 'protocol'] as const;

/** Seconds of CPU that a server with all its processes, this program and the programs it ran have spent so far. */
export function cpuOfBothSides(server: TemporaryDatabase['server']): number {
  try {
    const pids = [server.child.pid, process.pid, ...childrenOf(server.child)];
    return pids.reduce((sum, pid) => sum + cpuSecondsOf({ pid }), 0);
  } catch (error) {
    // One of them ended meanwhile: its time is its parent's now.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return cpuOfBothSides(server);
    throw error;
  }
}

/** The processes of a server that are alive. */
function childrenOf({ pid }: Pick<Child, 'pid'>): number[] {
  const lists = readdirSync(`/proc/${pid}/task`).map((task) => `/proc/${pid}/task/${task}/children`);
  return lists.flatMap((list) => readFileSync(list, 'utf8').trim().split(' ').filter(Boolean).map(Number));
}

/** How psql itself, without Debian's script around it, copies a file into the table. */
export async function copyByPsql(socket: string, file: string): Promise<void> {
  const psql = globSync('/usr/lib/postgresql/*/bin/psql').at(-1) ?? 'psql';
  const columns = EVENT_COLUMNS.map((column) => `"${column}"`).join(', ');
  const copy = `\\copy usage_events (${columns}) from '${file}'`;
  await run([psql, '--no-psqlrc', '--quiet', '-h', socket, '-U', ROLE, '-d', DATABASE_NAME, '-c', copy]);
}

type Before = Tables & { readonly usage_events_before: StoredEvent };

/** The same table with the checks that it had at first, in which bounds are counted by regular expressions. */
export async function createTableBefore(db: Database): Promise<void> {
  const word = sql`'^[a-z0-9][a-z0-9._-]{0,63}$'`;
  await sql`create table usage_events_before (like usage_events including indexes,
    check ("user" ~ '^[0-9a-f]{16}$'), check (country ~ '^([A-Z]{2}|unknown)$'), check (length(isp) <= 120),
    check (isp !~ '\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}'), check (isp !~* '[0-9a-f]{0,4}:[0-9a-f]{0,4}:[0-9a-f]{0,4}'),
    check (location ~ ${word}), check (protocol ~ ${word}))`.execute(db);
}

/** How a batch was stored before COPY: by the query builder, a thousand rows a statement. */
export async function insertBatch(
  db: Database,
  table: 'usage_events' | 'usage_events_before',
  batch: string,
  events: readonly StoredEvent[],
): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const fresh = await transaction
      .insertInto('usage_batches')
      .values(declared('usage_batches', { batch, received_on: '2026-11-21' }))
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    if (fresh.numInsertedOrUpdatedRows !== 1n) throw new Error('the batch was there already');
    for (let at = 0; at < events.length; at += 1000) {
      const rows = events.slice(at, at + 1000).map((event) => declared('usage_events', event));
      await transaction.withTables<Before>().insertInto(table).values(rows).execute();
    }
  });
}

/** The database through the client as it comes, which gives no statement a name. */
export function connectUnnamed(socket: string): Database {
  const pool = new Pool({
    host: socket,
    user: ROLE,
    database: DATABASE_NAME,
    max: 10,
    types: { getTypeParser: PARSERS },
  });
  // Its connections may outlive it for a moment, and hear that the server stops.
  pool.on('error', () => undefined);
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}
