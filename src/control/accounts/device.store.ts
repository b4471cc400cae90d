// SPDX-License-Identifier: AGPL-3.0-or-later
import { sql } from 'kysely';
import type { LicenceId } from '../../core/licences/licence.ts';
import type { Database } from '../database/tables.ts';
import { declared, type Tables } from '../database/tables.ts';
import type { DeviceKey } from './device-key.ts';

export async function devicesOf(db: Database, licence: LicenceId): Promise<Tables['devices'][]> {
  return db.selectFrom('devices').where('licence', '=', licence).selectAll().orderBy('public_key').execute();
}

export async function deviceByKey(db: Database, key: DeviceKey): Promise<Tables['devices'] | undefined> {
  return db.selectFrom('devices').where('public_key', '=', key).selectAll().executeTakeFirst();
}

/** One device at a time gets its place, so that a cap holds and no index is given twice. Ends with the transaction. */
export async function lockDevices(db: Database): Promise<void> {
  await sql`lock table devices in share row exclusive mode`.execute(db);
}

export async function takenHosts(db: Database): Promise<Set<number>> {
  const rows = await db.selectFrom('devices').select('host').execute();
  return new Set(rows.map((row) => row.host));
}

export async function insertDevice(db: Database, row: Tables['devices']): Promise<void> {
  await db.insertInto('devices').values(declared('devices', row)).execute();
}

export async function deleteDevice(db: Database, licence: LicenceId, key: DeviceKey): Promise<boolean> {
  const result = await db
    .deleteFrom('devices')
    .where('licence', '=', licence)
    .where('public_key', '=', key)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}
