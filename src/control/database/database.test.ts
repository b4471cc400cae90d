// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { openTemporaryDatabase, type TemporaryDatabase } from '../../../proof/labs/database/temporary.os.ts';
import { waitUntil } from '../../core/clock/until.ts';
import { UndeclaredError } from '../../core/inventory/guard.ts';
import { connect } from './connect.os.ts';
import { forgetOrder } from './forget.store.ts';
import { migrate } from './migrate.store.ts';
import { MIGRATIONS } from './migrations.ts';
import { schemaFindings } from './schema.store.ts';
import { declared } from './tables.ts';
import { databaseIsAway } from './unavailable.ts';

let database: TemporaryDatabase;
before(async () => {
  database = await openTemporaryDatabase();
});
after(() => database.close());

function filesWith(directory: string, marker: string): string[] {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  return paths.filter((path) => readFileSync(path).includes(marker));
}

const EVENT = {
  date: '2026-11-20',
  user: '00112233445566aa',
  country: 'CH',
  isp: 'Example Net',
  megabytes: 12,
  location: 'ch-zrh',
  protocol: 'wireguard',
};

test('the real schema is the inventory, neither more nor less', async () => {
  assert.deepEqual(await schemaFindings(database.db), []);
});

test('a column source_ip in the real database turns the check red', async () => {
  await sql`alter table usage_events add column source_ip inet`.execute(database.db);
  try {
    assert.deepEqual(await schemaFindings(database.db), [
      'usage_events has no order of its values',
      'usage_events.source_ip is not in the inventory',
    ]);
  } finally {
    await sql`alter table usage_events drop column source_ip`.execute(database.db);
  }
});

test('a column that is declared and missing, of another type, or fills itself in turns the check red', async () => {
  await sql`alter table sign_ins alter column expires_on type timestamp`.execute(database.db);
  await sql`alter table usage_batches alter column received_on set default now()`.execute(database.db);
  await sql`alter table activations rename column os to system`.execute(database.db);
  try {
    assert.deepEqual(await schemaFindings(database.db), [
      'activations.os is declared but does not exist',
      'activations.system is not in the inventory',
      'sign_ins.expires_on has the type timestamp without time zone',
      'usage_batches.received_on fills itself in',
    ]);
  } finally {
    await sql`alter table sign_ins alter column expires_on type date`.execute(database.db);
    await sql`alter table usage_batches alter column received_on drop default`.execute(database.db);
    await sql`alter table activations rename column system to os`.execute(database.db);
  }
});

/** What makes an object that is no plain table of the inventory, what undoes it, and one finding that names it. */
const OBJECTS: readonly (readonly [make: string, undo: string, finding: RegExp])[] = [
  ['create sequence arrivals', 'drop sequence arrivals', /^sequence public\.arrivals /],
  ['create view latest as select number from migrations', 'drop view latest', /^view public\.latest /],
  ['create table nothing ()', 'drop table nothing', /^table public\.nothing /],
  ['create unlogged table other ()', 'drop table other', /^table public\.other /],
  ['create temporary table usage_events (a text)', 'drop table pg_temp.usage_events', /^table pg_temp.*usage_events /],
  [
    'create schema audit create table usage_events (a text)',
    'drop schema audit cascade',
    /^table audit\.usage_events /,
  ],
  ['create schema elsewhere', 'drop schema elsewhere', /^schema elsewhere /],
  [
    'create materialized view copied as select * from usage_events',
    'drop materialized view copied',
    /^materialized view public\.copied /,
  ],
  [
    'create rule kept as on delete to sign_ins do also insert into migrations values (7)',
    'drop rule kept on sign_ins',
    /^rule kept on public\.sign_ins /,
  ],
  [
    "create function copy() returns trigger language plpgsql as 'begin return new; end'",
    'drop function copy',
    /^function public\.copy\(\) /,
  ],
  [
    'create trigger stop before update on accounts execute function suppress_redundant_updates_trigger()',
    'drop trigger stop on accounts',
    /^trigger stop on public\.accounts /,
  ],
  ['create table child () inherits (activations)', 'drop table child', /^child inherits from activations$/],
  ['create table parts (a text) partition by list (a)', 'drop table parts', /^table public\.parts /],
  ['create policy few on accounts', 'drop policy few on accounts', /^policy few on public\.accounts /],
  [
    'alter table accounts enable row level security',
    'alter table accounts disable row level security',
    /^table public\.accounts /,
  ],
  ['alter table authfile set unlogged', 'alter table authfile set logged', /^table public\.authfile /],
  ['create index hashed on activations using hash (app)', 'drop index hashed', /^index public\.hashed /],
  [
    'alter table migrations add constraint alone exclude using btree (number with =)',
    'alter table migrations drop constraint alone',
    /^table constraint alone on public\.migrations /,
  ],
  ['create type pair as (a text, b text)', 'drop type pair', /^composite type public\.pair /],
  ["create type mood as enum ('good')", 'drop type mood', /^type public\.mood /],
  ['create domain stamp as text', 'drop domain stamp', /^type public\.stamp /],
  ['create publication told for table accounts', 'drop publication told', /^publication told /],
  ['create extension pg_trgm', 'drop extension pg_trgm', /^extension pg_trgm /],
  ['create statistics pairs on app, os from activations', 'drop statistics pairs', /^statistics object public\.pairs /],
  ['select lo_create(77)', 'select lo_unlink(77)', /^large object 77 /],
  ["comment on table accounts is 'seen today'", 'comment on table accounts is null', /^comment on public\.accounts /],
  [
    "comment on constraint accounts_pkey on accounts is 'x'",
    'comment on constraint accounts_pkey on accounts is null',
    /^comment on accounts_pkey on public\.accounts /,
  ],
];

for (const [make, undo, named] of OBJECTS) {
  test(`an object that is not declared turns the check red: ${make}`, async () => {
    await database.db.connection().execute(async (db) => {
      await sql.raw(make).execute(db);
      try {
        const findings = await schemaFindings(db);
        assert.ok(
          findings.some((finding) => named.test(finding)),
          findings.join('\n'),
        );
      } finally {
        await sql.raw(undo).execute(db);
      }
    });
  });
}

test('an event with an undeclared field cannot be stored', () => {
  const row = { ...EVENT, source_ip: '192.0.2.7' };
  assert.throws(() => declared('usage_events', row), UndeclaredError);
  assert.throws(() => declared('usage_events', { ...EVENT, isp: 'host 192.0.2.7' }), UndeclaredError);
});

test('the database itself refuses what is no event', async () => {
  const insert = (change: object) =>
    database.db
      .insertInto('usage_events')
      .values({ ...EVENT, ...change })
      .execute();
  await assert.rejects(insert({ isp: 'host 192.0.2.7' }), /isp_is_no_ipv4_address/);
  await assert.rejects(insert({ isp: '2001:db8::1' }), /isp_is_no_ipv6_address/);
  await assert.rejects(insert({ user: 'alice' }), /user_is_a_tag/);
  await assert.rejects(insert({ country: 'Zürich' }), /country_is_a_code/);
  await assert.rejects(insert({ location: '192.0.2.7:443' }), /location_is_a_word/);
});

test('rows lie in the order of their values and say nothing about their arrival', async () => {
  for (const [user, megabytes] of [
    ['cc', 3],
    ['aa', 9],
    ['bb', 1],
    ['aa', 2],
    ['00', 5],
  ] as const) {
    const row = declared('usage_events', { ...EVENT, user: user.repeat(8), megabytes });
    await database.db.insertInto('usage_events').values(row).execute();
  }
  const stored = async () => {
    const { rows } = await sql<{ user: string; megabytes: number; transaction: string }>`
      select "user", megabytes, xmin::text as transaction from usage_events order by ctid`.execute(database.db);
    return rows;
  };
  assert.deepEqual(
    (await stored()).map((row) => row.user.slice(0, 2)),
    ['cc', 'aa', 'bb', 'aa', '00'],
  );
  await forgetOrder(database.db);
  const rows = await stored();
  assert.deepEqual(
    rows.map((row) => [row.user.slice(0, 2), row.megabytes]),
    [
      ['00', 5],
      ['aa', 2],
      ['aa', 9],
      ['bb', 1],
      ['cc', 3],
    ],
  );
  assert.equal(new Set(rows.map((row) => row.transaction)).size, 1);
});

test('nothing in the data directory remembers a row that was deleted', async () => {
  const marker = 'Marker Networks 7716';
  const seen = () => filesWith(join(dirname(database.server.socket), 'data'), marker);
  await database.db
    .insertInto('usage_events')
    .values({ ...EVENT, isp: marker })
    .execute();
  assert.notDeepEqual(seen(), []);
  await database.db.deleteFrom('usage_events').where('isp', '=', marker).execute();
  await forgetOrder(database.db);
  assert.deepEqual(seen(), []);
});

test('a server elsewhere is named by a URL', async () => {
  const elsewhere = connect(`postgresql://lethe@localhost/lethe?host=${encodeURIComponent(database.server.socket)}`);
  try {
    assert.deepEqual(await schemaFindings(elsewhere), []);
  } finally {
    await elsewhere.destroy();
  }
});

test('a connection that breaks under a query fails the query, and not the program', async () => {
  const { db, server } = database;
  const [{ pid } = assert.fail()] = (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)).rows;
  const asked = assert.rejects(sql`select pg_sleep(60)`.execute(db), (error) => databaseIsAway(error));
  await waitUntil('the query runs', () =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', '').endsWith('SELECT'),
  );
  process.kill(pid, 'SIGKILL');
  await asked;
  // The server ends its other processes and is back by itself.
  await waitUntil('the database answers', () =>
    sql`select 1`.execute(db).then(
      () => true,
      () => false,
    ),
  );
  assert.ok(server.child.running);
});

test('migrating again changes nothing, and a newer schema is left alone', async () => {
  assert.equal(await migrate(database.db), 'current');
  await database.db.insertInto('migrations').values({ number: 1000 }).execute();
  assert.equal(await migrate(database.db), 'newer_than_program');
  await database.db.deleteFrom('migrations').where('number', '=', 1000).execute();
});

/** A number that no migration has yet. */
const NEXT = Math.max(...MIGRATIONS.map(({ number }) => number)) + 1;

test('a migration that fails leaves no trace', async () => {
  const broken = {
    number: NEXT,
    up: async (db: Parameters<typeof migrate>[0]) => {
      await sql`create table half (one integer)`.execute(db);
      throw new Error('broken');
    },
  };
  await assert.rejects(migrate(database.db, [broken]), /broken/);
  assert.deepEqual(await schemaFindings(database.db), []);
  assert.equal(await migrate(database.db), 'current');
});

test('two programs that migrate at once do it once', async () => {
  const two = { number: NEXT + 1, up: async () => undefined };
  assert.deepEqual(await Promise.all([migrate(database.db, [two]), migrate(database.db, [two])]), [
    'current',
    'current',
  ]);
  await database.db
    .deleteFrom('migrations')
    .where('number', '=', NEXT + 1)
    .execute();
});
