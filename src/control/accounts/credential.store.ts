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

/** Each licence, with the salted hash of its VPN username if it has one. */
export async function namesOfLicences(
  db: Database,
): Promise<{ readonly licence: LicenceId; readonly nameKey: Uint8Array | undefined }[]> {
  const rows = await db
    .selectFrom('licences')
    .leftJoin('credentials', 'credentials.licence', 'licences.id')
    .select(['licences.id', 'credentials.name_key'])
    .execute();
  return rows.map((row) => ({ licence: row.id as LicenceId, nameKey: row.name_key ?? undefined }));
}
