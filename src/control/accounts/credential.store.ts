// SPDX-License-Identifier: AGPL-3.0-or-later
import type { LicenceId } from '../../core/licences/licence.ts';
import { type Database, declared, type Tables } from '../database/tables.ts';
import { lockLicence } from './account.store.ts';

export async function insertCredential(db: Database, row: Tables['credentials']): Promise<void> {
  await db.insertInto('credentials').values(declared('credentials', row)).execute();
}

/**
 * Deletes the old row and inserts the new one, so that no version of a row leads from the old name to the new. Of two that
 * come at once, one waits for the other.
 */
export async function replaceCredential(db: Database, row: Tables['credentials']): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    await lockLicence(transaction, row.licence as LicenceId);
    await transaction.deleteFrom('credentials').where('licence', '=', row.licence).execute();
    await insertCredential(transaction, row);
  });
}

/** The salted hash of each VPN username that works now, with its licence. */
export async function namesInUse(db: Database): Promise<Pick<Tables['credentials'], 'licence' | 'name_key'>[]> {
  return db.selectFrom('credentials').select(['licence', 'name_key']).execute();
}
