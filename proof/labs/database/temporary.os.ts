// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '../../../src/control/database/connect.os.ts';
import { migrate } from '../../../src/control/database/migrate.store.ts';
import { type Postgres, startPostgres } from '../../../src/control/database/postgres.os.ts';
import type { Database } from '../../../src/control/database/tables.ts';

/** The user `nobody` of every Debian system: what the database runs as when root tries things out. */
export const NOBODY = { uid: 65_534, gid: 65_534 } as const;

export interface TemporaryDatabase {
  readonly db: Database;
  readonly server: Postgres;
  /** Ends the server and deletes every byte of it. */
  close(): Promise<void>;
}

/** A real server in a directory of its own, with the schema in place: for tests and demonstrations. */
export async function openTemporaryDatabase(clients: readonly number[] = []): Promise<TemporaryDatabase> {
  const directory = mkdtempSync(join(tmpdir(), 'lethe-database-'));
  const server = await startPostgres({ directory, user: NOBODY, clients });
  const db = connect(server.socket);
  await migrate(db);
  return {
    db,
    server,
    async close() {
      await db.destroy();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
