// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Database } from '../database/tables.ts';
import type { LicenceId } from '../licences/licence.ts';
import type { AccountId } from './account.ts';

/** Every row that names an account or its licence. */
export async function rowsAbout(db: Database, account: AccountId, licence: LicenceId) {
  return {
    accounts: await db.selectFrom('accounts').where('id', '=', account).selectAll().execute(),
    licences: await db.selectFrom('licences').where('account', '=', account).selectAll().execute(),
    signIns: await db.selectFrom('sign_ins').where('account', '=', account).selectAll().execute(),
    credentials: await db.selectFrom('credentials').where('licence', '=', licence).selectAll().execute(),
    devices: await db.selectFrom('devices').where('licence', '=', licence).selectAll().execute(),
  };
}
