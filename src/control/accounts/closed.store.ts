// SPDX-License-Identifier: AGPL-3.0-or-later
import { sha256 } from '../../bytes/formats/fingerprint.ts';
import { type EpochDay, isoDate } from '../../core/clock/clock.ts';
import { type Database, declared } from '../database/tables.ts';
import { deleteAccount } from './account.store.ts';
import type { AccountId } from './account.ts';

/**
 * Deletes an account with everything that leads to it. A hash of its row key is kept as long as the form that made it could
 * be sent again, and would make it anew. Both or neither: in one transaction.
 */
export async function closeAccount(transaction: Database, account: AccountId, day: EpochDay): Promise<void> {
  await deleteAccount(transaction, account);
  await transaction
    .insertInto('closed_accounts')
    .values(declared('closed_accounts', { account_hash: hashOf(account), closed_on: isoDate(day) }))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

export async function wasClosed(db: Database, account: AccountId): Promise<boolean> {
  const row = await db
    .selectFrom('closed_accounts')
    .where('account_hash', '=', hashOf(account))
    .select('account_hash')
    .executeTakeFirst();
  return row !== undefined;
}

/** Forgets accounts that were closed before `day`. */
export async function deleteClosed(db: Database, day: EpochDay): Promise<void> {
  await db.deleteFrom('closed_accounts').where('closed_on', '<', isoDate(day)).execute();
}

function hashOf(account: AccountId): Uint8Array {
  return sha256(`lethe closed account v1\n${account}`);
}
