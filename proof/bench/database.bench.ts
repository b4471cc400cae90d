// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { insertAccount, insertSignIn, signedIn } from '../../src/control/accounts/account.store.ts';
import type { AccountId } from '../../src/control/accounts/account.ts';
import type { Database } from '../../src/control/database/tables.ts';
import { type StoredEvent, storeBatch } from '../../src/control/usage/usage.store.ts';
import { type EpochDay, parseIsoDate } from '../../src/core/clock/clock.ts';
import type { LicenceId } from '../../src/core/licences/licence.ts';
import { openTemporaryDatabase, type TemporaryDatabase } from '../labs/database/temporary.os.ts';
import { type BenchContext, type Benchmark, interleave, type Row, rowOf } from './bench.ts';
import {
  connectUnnamed,
  copyByPsql,
  cpuOfBothSides,
  createTableBefore,
  EVENT_COLUMNS,
  insertBatch,
} from './database-peers.os.ts';

const DAY = parseIsoDate('2026-11-21') as EpochDay;
const BATCH = 5000;
const AT_ONCE = 10;

/** What control asks its database most. CPU is that of both sides: the server's, and ours or psql's. */
export const benchmark: Benchmark = {
  about: 'usage events stored and sign-ins looked up per CPU second: ours, psql, and the ways that we left',
  run: async (context) => {
    const database = await openTemporaryDatabase();
    try {
      return [...(await eventRows(context, database)), await signInRow(context, database)];
    } finally {
      await database.close();
    }
  },
};

async function eventRows(context: BenchContext, { db, server }: TemporaryDatabase): Promise<Row[]> {
  const count = context.size === 'full' ? 100_000 : 400;
  const events = sampleEvents(context, count);
  const batches = Array.from({ length: Math.ceil(count / BATCH) }, (_, at) =>
    events.slice(at * BATCH, (at + 1) * BATCH),
  );
  using directory = mkdtempDisposableSync(join(tmpdir(), 'lethe-bench-'));
  const file = join(directory.path, 'events.tsv');
  writeFileSync(file, events.map((event) => `${EVENT_COLUMNS.map((column) => event[column]).join('\t')}\n`).join(''));
  await createTableBefore(db);
  const rate = async (work: () => Promise<void>): Promise<number> => {
    await sql`truncate usage_events, usage_events_before, usage_batches`.execute(db);
    await sql`checkpoint`.execute(db);
    const before = cpuOfBothSides(server);
    await work();
    const spent = cpuOfBothSides(server) - before;
    assert.equal(await storedIn(db), count);
    return count / Math.max(0.01, spent);
  };
  const inserted = (table: 'usage_events' | 'usage_events_before') =>
    rate(async () => {
      for (const [at, batch] of batches.entries()) await insertBatch(db, table, nameOf(at), batch);
    });
  const samples = await interleave(context, {
    ours: () =>
      rate(async () => {
        for (const [at, batch] of batches.entries()) assert.ok(await storeBatch(db, nameOf(at), DAY, batch));
      }),
    psql: () => rate(() => copyByPsql(server.socket, file)),
    before: () => inserted('usage_events_before'),
    insert: () => inserted('usage_events'),
  });
  const row = { name: 'usage events stored', unit: 'events/CPU s', samples: samples.ours };
  const limit = { name: 'psql \\copy of the same rows', samples: samples.psql, goal: { atLeast: 0.8 } };
  return [
    rowOf({
      ...row,
      limit,
      peer: { name: 'INSERT, checks as they were', samples: samples.before, goal: { atLeast: 3 } },
    }),
    rowOf({ ...row, peer: { name: 'INSERT, checks as they are', samples: samples.insert } }),
  ];
}

function nameOf(batch: number): string {
  return `batch-${String(batch).padStart(4, '0')}`;
}

async function storedIn(db: Database): Promise<number> {
  const { rows } = await sql<{ n: number }>`select (select count(*) from usage_events) +
    (select count(*) from usage_events_before) as n`.execute(db);
  return rows[0]?.n ?? 0;
}

function sampleEvents({ random }: BenchContext, count: number): StoredEvent[] {
  const tags = Buffer.from(random.bytes(8 * count)).toString('hex');
  const [isps, countries] = [
    ['Swisscom', 'SWITCH', 'Init7 AG', 'Deutsche Telekom'],
    ['CH', 'DE', 'AT', 'unknown'],
  ];
  const protocols = ['ikev2', 'openvpn-udp', 'wireguard'];
  return Array.from({ length: count }, (_, at) => ({
    date: '2026-11-21',
    user: tags.slice(16 * at, 16 * at + 16),
    country: countries[at % 4] as string,
    isp: isps[at % 4] as string,
    megabytes: at % 5000,
    location: at % 2 === 0 ? 'ch-zrh' : 'se-sto',
    protocol: protocols[at % 3] as string,
  }));
}

async function signInRow(context: BenchContext, { db, server }: TemporaryDatabase): Promise<Row> {
  const calls = context.size === 'full' ? 10_000 : 100;
  const tokenHash = hash('sha256', 'token', 'buffer');
  const licence = { id: 1 as LicenceId, expiresOn: (DAY + 30) as EpochDay, seats: 5, trial: false };
  const account = 'accountofthebench' as AccountId;
  await insertAccount(db, account, hash('sha256', 'number', 'buffer'), licence);
  await insertSignIn(db, tokenHash, account, (DAY + 30) as EpochDay);
  const unnamed = connectUnnamed(server.socket);
  const rate = async (asked: Database): Promise<number> => {
    const before = cpuOfBothSides(server);
    const asks = async () => {
      for (let call = 0; call < calls / AT_ONCE; call += 1) {
        assert.equal((await signedIn(asked, tokenHash, DAY))?.customer.account, account);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, asks));
    return calls / Math.max(0.01, cpuOfBothSides(server) - before);
  };
  try {
    const samples = await interleave(context, { ours: () => rate(db), unnamed: () => rate(unnamed) });
    return rowOf({
      name: 'sign-in looked up by its token',
      unit: 'queries/CPU s',
      samples: samples.ours,
      peer: { name: 'the same without a name for the statement', samples: samples.unnamed, goal: { atLeast: 1.5 } },
    });
  } finally {
    await unnamed.destroy();
  }
}
