// SPDX-License-Identifier: AGPL-3.0-or-later
import { join } from 'node:path';
import { type Postgres, startPostgres } from '../control/database/postgres.os.ts';
import type { ServiceDeps } from './options.ts';
import { type Supervised, supervise } from './supervisor.ts';
import type { Users } from './users.os.ts';

export interface SupervisedDatabase {
  readonly program: Supervised;
  /** Directory of its Unix socket. */
  readonly socket: string;
}

export interface DatabaseParts {
  readonly directory: string;
  readonly users: Users | undefined;
  /** The launcher that has the kernel refuse system calls. */
  readonly filter: string | undefined;
}

/** Starts PostgreSQL with its data below `directory`, open to control's user alone. */
export async function startDatabase(
  { directory, users, filter }: DatabaseParts,
  deps: Pick<ServiceDeps, 'journal' | 'clock'>,
): Promise<SupervisedDatabase> {
  const roles = {
    ...(users === undefined ? {} : { user: users.database, clients: [users.control.uid] }),
    ...(filter === undefined ? {} : { filter }),
  };
  let postgres: Postgres | undefined;
  const program = await supervise({
    name: 'database',
    journal: deps.journal,
    clock: deps.clock,
    start: async () => {
      postgres = await startPostgres({ directory: join(directory, 'postgres'), ...roles });
      return postgres.child;
    },
    end: () => postgres?.stop(),
  });
  return { program, socket: postgres?.socket ?? '' };
}
