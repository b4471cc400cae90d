// SPDX-License-Identifier: AGPL-3.0-or-later
import { sql } from 'kysely';
import { type EpochDay, isoDate, parseIsoDate } from '../../core/clock/clock.ts';
import type { Licence, LicenceId } from '../../core/licences/licence.ts';
import { type Database, declared, type Tables } from '../database/tables.ts';
import type { AccountId, Customer } from './account.ts';

/** False, and nothing is changed, when there is an account of this number or key. Waits for one that is being made or deleted. */
export async function insertAccount(
  db: Database,
  account: AccountId,
  numberHash: Uint8Array,
  licence: Licence,
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('accounts')
    .values(declared('accounts', { id: account, number_hash: numberHash }))
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows !== 1n) return false;
  const { id, seats, trial } = licence;
  await db
    .insertInto('licences')
    .values(declared('licences', { id, account, expires_on: isoDate(licence.expiresOn), seats, trial }))
    .execute();
  return true;
}

export async function countAccounts(db: Database): Promise<number> {
  const { count } = await db
    .selectFrom('accounts')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

export async function accountByNumber(db: Database, numberHash: Uint8Array): Promise<AccountId | undefined> {
  const row = await db.selectFrom('accounts').where('number_hash', '=', numberHash).select('id').executeTakeFirst();
  return row?.id as AccountId | undefined;
}

export async function customerByNumber(db: Database, numberHash: Uint8Array): Promise<Customer | undefined> {
  const row = await db
    .selectFrom('accounts')
    .innerJoin('licences', 'licences.account', 'accounts.id')
    .where('accounts.number_hash', '=', numberHash)
    .select(['licences.account', 'licences.id', 'licences.expires_on', 'licences.seats', 'licences.trial'])
    .executeTakeFirst();
  return row && customerIn(row);
}

/** False when there is no such account. Waits for one that is being deleted. */
export async function insertSignIn(
  db: Database,
  tokenHash: Uint8Array,
  account: AccountId,
  expiresOn: EpochDay,
): Promise<boolean> {
  const row = declared('sign_ins', { token_hash: tokenHash, account, expires_on: isoDate(expiresOn) });
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('sign_ins')
    .columns(['token_hash', 'account', 'expires_on'])
    .expression((from) =>
      from
        .selectFrom('accounts')
        .where('id', '=', account)
        .forKeyShare()
        .select([
          sql<Uint8Array>`${row.token_hash}::bytea`.as('token_hash'),
          'id',
          sql<string>`${row.expires_on}::date`.as('expires_on'),
        ]),
    )
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

/** The customer behind a sign-in, with the hash as stored, for a comparison that takes the same time for each value. */
export async function signedIn(
  db: Database,
  tokenHash: Uint8Array,
  day: EpochDay,
): Promise<{ readonly customer: Customer; readonly tokenHash: Uint8Array } | undefined> {
  const row = await db
    .selectFrom('sign_ins')
    .innerJoin('licences', 'licences.account', 'sign_ins.account')
    .where('sign_ins.token_hash', '=', tokenHash)
    .where('sign_ins.expires_on', '>=', isoDate(day))
    .select(['sign_ins.account', 'sign_ins.token_hash'])
    .select(['licences.id', 'licences.expires_on', 'licences.seats', 'licences.trial'])
    .executeTakeFirst();
  return row && { customer: customerIn(row), tokenHash: row.token_hash };
}

function customerIn({ account, id, expires_on: end, seats, trial }: Tables['licences']): Customer {
  const licence = { id: id as LicenceId, expiresOn: parseIsoDate(end) as EpochDay, seats, trial };
  return { account: account as AccountId, licence };
}

export async function deleteSignIn(db: Database, tokenHash: Uint8Array): Promise<void> {
  await db.deleteFrom('sign_ins').where('token_hash', '=', tokenHash).execute();
}

/** Locks a licence until the transaction ends: what belongs to it is changed by one at a time. */
export async function lockLicence(db: Database, licence: LicenceId): Promise<void> {
  await db.selectFrom('licences').where('id', '=', licence).select('id').forUpdate().execute();
}

/** Ends the sign-ins of an account, but for one. */
export async function deleteOtherSignIns(db: Database, account: AccountId, kept: Uint8Array): Promise<void> {
  await db.deleteFrom('sign_ins').where('account', '=', account).where('token_hash', '!=', kept).execute();
}

/** Undefined when the account has gone. */
export async function numberHashOf(db: Database, account: AccountId): Promise<Uint8Array | undefined> {
  const row = await db.selectFrom('accounts').where('id', '=', account).select('number_hash').executeTakeFirst();
  return row?.number_hash;
}

export async function replaceNumber(db: Database, account: AccountId, numberHash: Uint8Array): Promise<void> {
  await db.updateTable('accounts').set({ number_hash: numberHash }).where('id', '=', account).execute();
}

/** With everything that leads to it: licence, credentials, devices and sign-ins. */
export async function deleteAccount(db: Database, account: AccountId): Promise<void> {
  await db.deleteFrom('accounts').where('id', '=', account).execute();
}

/** Leaves an account its newest sign-ins, `newest` among them, whose order within a day nothing tells. */
export async function deleteOldestSignIns(
  db: Database,
  account: AccountId,
  newest: Uint8Array,
  most: number,
): Promise<void> {
  await db
    .deleteFrom('sign_ins')
    .where('token_hash', 'in', (query) =>
      query
        .selectFrom('sign_ins')
        .where('account', '=', account)
        .where('token_hash', '!=', newest)
        .orderBy('expires_on', 'desc')
        .orderBy('token_hash')
        .offset(most - 1)
        .select('token_hash'),
    )
    .execute();
}

/** Deletes sign-ins that ended before `day`, and accounts whose licence ended before `lastLicenceDay`. */
export async function deleteEnded(db: Database, day: EpochDay, lastLicenceDay: EpochDay): Promise<void> {
  await db.deleteFrom('sign_ins').where('expires_on', '<', isoDate(day)).execute();
  await db
    .deleteFrom('accounts')
    .where('id', 'in', (query) =>
      query.selectFrom('licences').where('expires_on', '<', isoDate(lastLicenceDay)).select('account'),
    )
    .execute();
}
