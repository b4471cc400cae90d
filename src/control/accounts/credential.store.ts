// SPDX-License-Identifier: AGPL-3.0-or-later
import type { LicenceId } from '../../core/licences/licence.ts';
import { type Database, declared, type Tables } from '../database/tables.ts';

export async function insertCredential(db: Database, row: Tables['credentials']): Promise<void> {
  await db.insertInto('credentials').values(declared('credentials', row)).execute();
}

/** Deletes the old row and inserts the new one, so that no version of a row leads from the old name to the new. */
export async function replaceCredential(db: Database, row: Tables['credentials']): Promise<void> {
  await db.deleteFrom('credentials').where('licence', '=', row.licence).execute();
  await insertCredential(db, row);
}

/** The salted hash of the licence's VPN username; undefined when it has none yet. */
export async function nameKeyNow(db: Database, licence: LicenceId): Promise<Uint8Array | undefined> {
  const row = await db.selectFrom('credentials').where('licence', '=', licence).select('name_key').executeTakeFirst();
  return row?.name_key;
}

/** The salted hash of each VPN username that works now, with its licence. */
export async function namesInUse(db: Database): Promise<Pick<Tables['credentials'], 'licence' | 'name_key'>[]> {
  return db.selectFrom('credentials').select(['licence', 'name_key']).execute();
}
