// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { openTemporaryDatabase, type TemporaryDatabase } from '../../../proof/labs/database/temporary.os.ts';
import { UndeclaredError } from '../../core/inventory/guard.ts';
import { connect } from './connect.os.ts';
import { forgetOrder } from './forget.store.ts';
import { migrate } from './migrate.store.ts';
import { MIGRATIONS } from './migrations.ts';
import { schemaFindings } from './schema.store.ts';
import { declared } from './tables.ts';

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

test('a sequence, a view and a comment turn the check red', async () => {
  await sql`create sequence arrivals`.execute(database.db);
  await sql`create view latest as select number from migrations`.execute(database.db);
  await sql`comment on table accounts is 'seen today'`.execute(database.db);
  try {
    const findings = await schemaFindings(database.db);
    assert.ok(findings.includes('sequence arrivals'));
    assert.ok(findings.includes('view latest'));
    assert.ok(findings.includes('comment on accounts'));
  } finally {
    await sql`drop sequence arrivals`.execute(database.db);
    await sql`drop view latest`.execute(database.db);
    await sql`comment on table accounts is null`.execute(database.db);
  }
});

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
