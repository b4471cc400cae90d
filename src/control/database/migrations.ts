// SPDX-License-Identifier: AGPL-3.0-or-later
import { type CreateTableBuilder, sql } from 'kysely';
import type { AnyTransaction } from './tables.ts';

/** One numbered change of the schema. Once released it is never edited; a later one corrects it. */
export interface Migration {
  readonly number: number;
  readonly up: (db: AnyTransaction) => Promise<void>;
}

const WORD = sql.raw("'^[a-z0-9][a-z0-9._-]{0,63}$'");

/** The database refuses by itself what the inventory's kinds refuse: a second door behind the first. */
function matches(column: string, pattern: ReturnType<typeof sql.raw>) {
  return sql<boolean>`${sql.ref(column)} ~ ${pattern}`;
}

function exactly(column: string, bytes: number) {
  return sql<boolean>`octet_length(${sql.ref(column)}) = ${sql.lit(bytes)}`;
}

function words<T extends string, C extends string>(table: CreateTableBuilder<T, C>, columns: readonly string[]) {
  return columns.reduce<CreateTableBuilder<T, C>>(
    (made, column) =>
      made
        .addColumn(column as C, 'text', (c) => c.notNull())
        .addCheckConstraint(`${column}_is_a_word`, matches(column, WORD)),
    table,
  );
}

async function accounts(db: AnyTransaction): Promise<void> {
  await db.schema
    .createTable('accounts')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('number_hash', 'bytea', (c) => c.notNull().unique())
    .addCheckConstraint('number_hash_is_sha256', exactly('number_hash', 32))
    .execute();
  await db.schema
    .createTable('licences')
    .addColumn('id', 'bigint', (c) => c.primaryKey())
    .addColumn('account', 'text', (c) => c.notNull().unique().references('accounts.id').onDelete('cascade'))
    .addColumn('expires_on', 'date', (c) => c.notNull())
    .addColumn('seats', 'smallint', (c) => c.notNull())
    .addCheckConstraint('id_fits_the_auth_file', sql`id between 1 and 549755813887`)
    .addCheckConstraint('seats_fit_the_auth_file', sql`seats between 1 and 255`)
    .execute();
  await db.schema
    .createTable('sign_ins')
    .addColumn('token_hash', 'bytea', (c) => c.primaryKey())
    .addColumn('account', 'text', (c) => c.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('expires_on', 'date', (c) => c.notNull())
    .addCheckConstraint('token_hash_is_sha256', exactly('token_hash', 32))
    .execute();
  await db.schema.createIndex('sign_ins_by_account').on('sign_ins').column('account').execute();
}

async function credentials(db: AnyTransaction): Promise<void> {
  await db.schema
    .createTable('credentials')
    .addColumn('licence', 'bigint', (c) => c.primaryKey().references('licences.id').onDelete('cascade'))
    .addColumn('verifier', 'bytea', (c) => c.notNull().unique())
    .addColumn('name_key', 'bytea', (c) => c.notNull().unique())
    .addColumn('nt_hash', 'bytea', (c) => c.notNull())
    .addCheckConstraint('verifier_is_16_bytes', exactly('verifier', 16))
    .addCheckConstraint('name_key_is_16_bytes', exactly('name_key', 16))
    .addCheckConstraint('nt_hash_is_16_bytes', exactly('nt_hash', 16))
    .execute();
  await db.schema
    .createTable('devices')
    .addColumn('public_key', 'bytea', (c) => c.primaryKey())
    .addColumn('licence', 'bigint', (c) => c.notNull().references('licences.id').onDelete('cascade'))
    .addColumn('host', 'integer', (c) => c.notNull().unique())
    .addCheckConstraint('public_key_is_32_bytes', exactly('public_key', 32))
    .execute();
  await db.schema.createIndex('devices_by_licence').on('devices').column('licence').execute();
}

/** Events have no key and no number: two equal events are two rows, and nothing says which came first. */
async function events(db: AnyTransaction): Promise<void> {
  await words(db.schema.createTable('activations'), ['app', 'app_version', 'os'])
    .addColumn('activated_on', 'date', (c) => c.notNull())
    .execute();
  await words(db.schema.createTable('usage_events'), ['location', 'protocol'])
    .addColumn('date', 'date', (c) => c.notNull())
    .addColumn('user', 'text', (c) => c.notNull())
    .addColumn('country', 'text', (c) => c.notNull())
    .addColumn('isp', 'text', (c) => c.notNull())
    .addColumn('megabytes', 'bigint', (c) => c.notNull())
    .addCheckConstraint('user_is_a_tag', matches('user', sql.raw("'^[0-9a-f]{16}$'")))
    .addCheckConstraint('country_is_a_code', matches('country', sql.raw("'^([A-Z]{2}|unknown)$'")))
    .addCheckConstraint('isp_is_short', sql`length(isp) <= 120`)
    .addCheckConstraint('isp_is_no_ipv4_address', sql`isp !~ '\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}\\.\\d{1,3}'`)
    .addCheckConstraint('isp_is_no_ipv6_address', sql`isp !~* '[0-9a-f]{0,4}:[0-9a-f]{0,4}:[0-9a-f]{0,4}'`)
    .execute();
  await db.schema
    .createIndex('activations_by_value')
    .on('activations')
    .columns(['activated_on', 'app', 'app_version', 'os'])
    .execute();
  await db.schema
    .createIndex('usage_events_by_value')
    .on('usage_events')
    .columns(['date', 'user', 'country', 'isp', 'megabytes', 'location', 'protocol'])
    .execute();
  await db.schema
    .createTable('usage_batches')
    .addColumn('batch', 'text', (c) => c.primaryKey())
    .addColumn('received_on', 'date', (c) => c.notNull())
    .execute();
}

async function fleet(db: AnyTransaction): Promise<void> {
  await db.schema
    .createTable('gateways')
    .addColumn('gateway', 'text', (c) => c.primaryKey())
    .addColumn('serial', 'bigint', (c) => c.notNull())
    .addColumn('digest', 'bytea', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('authfile')
    .addColumn('version', 'bigint', (c) => c.notNull())
    .addColumn('salt', 'bytea', (c) => c.notNull())
    .addCheckConstraint('salt_is_14_bytes', exactly('salt', 14))
    .execute();
}

/** Licences that were there before are taken for paid ones, so that no key is lost by it. */
async function trials(db: AnyTransaction): Promise<void> {
  await sql`alter table licences add column trial boolean not null default false`.execute(db);
  await sql`alter table licences alter column trial drop default`.execute(db);
}

/** Two copies of the program that start at once must not draw two salts. */
async function oneAuthFile(db: AnyTransaction): Promise<void> {
  await sql`create unique index authfile_is_one on authfile ((true))`.execute(db);
}

/**
 * Stored tags are made with a salt of the month. Those of before get a salt that is kept nowhere: the auth files of the past say
 * whose they were. Counting with bounds is what was dear about the checks; the same said otherwise takes half the time.
 */
async function storedTags(db: AnyTransaction): Promise<void> {
  await db.schema
    .createTable('usage_salts')
    .addColumn('month', 'date', (c) => c.primaryKey())
    .addColumn('salt', 'bytea', (c) => c.notNull())
    .addCheckConstraint('salt_is_32_bytes', exactly('salt', 32))
    .execute();
  await sql`with salt as materialized (select gen_random_uuid()::text || gen_random_uuid()::text as text)
    update usage_events set "user" =
      left(encode(sha256(convert_to((select text from salt) || "user", 'UTF8')), 'hex'), 16)`.execute(db);
  const checks = {
    user_is_a_tag: sql`length("user") = 16 and "user" ~ '^[0-9a-f]*$'`,
    location_is_a_word: sql`length(location) <= 64 and location ~ '^[a-z0-9][a-z0-9._-]*$'`,
    protocol_is_a_word: sql`length(protocol) <= 64 and protocol ~ '^[a-z0-9][a-z0-9._-]*$'`,
    country_is_a_code: sql`country = 'unknown' or length(country) = 2 and country ~ '^[A-Z]*$'`,
    isp_is_no_ipv4_address: sql`isp !~ '\\d\\.\\d+\\.\\d+\\.\\d'`,
    isp_is_no_ipv6_address: sql`isp !~* ':[0-9a-f]*:'`,
  };
  for (const [name, check] of Object.entries(checks)) {
    await sql`alter table usage_events drop constraint ${sql.ref(name)}`.execute(db);
    await sql`alter table usage_events add constraint ${sql.ref(name)} check (${check})`.execute(db);
  }
}

/** Accounts that were deleted lately, by a hash of a key that is nowhere else any more. */
async function closedAccounts(db: AnyTransaction): Promise<void> {
  await db.schema
    .createTable('closed_accounts')
    .addColumn('account_hash', 'bytea', (c) => c.primaryKey())
    .addColumn('closed_on', 'date', (c) => c.notNull())
    .addCheckConstraint('account_hash_is_32_bytes', exactly('account_hash', 32))
    .execute();
}

export const MIGRATIONS: readonly Migration[] = [
  {
    number: 1,
    up: async (db) => {
      await accounts(db);
      await credentials(db);
      await events(db);
      await fleet(db);
    },
  },
  { number: 2, up: trials },
  { number: 3, up: oneAuthFile },
  { number: 4, up: storedTags },
  { number: 5, up: closedAccounts },
];
