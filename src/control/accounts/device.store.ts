// SPDX-License-Identifier: AGPL-3.0-or-later
import { type EpochDay, isoDate } from '../../core/clock/clock.ts';
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

/** Which of these hosts have a key. */
export async function takenOf(db: Database, hosts: readonly number[]): Promise<Set<number>> {
  const rows = await db.selectFrom('devices').where('host', 'in', hosts).select('host').execute();
  return new Set(rows.map((row) => row.host));
}

/** False when key or host has just been given to another. */
export async function insertDevice(db: Database, row: Tables['devices']): Promise<boolean> {
  const added = await db
    .insertInto('devices')
    .values(declared('devices', row))
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return added.numInsertedOrUpdatedRows === 1n;
}

export async function countTrialKeys(db: Database): Promise<number> {
  const row = await db
    .selectFrom('devices')
    .innerJoin('licences', 'licences.id', 'devices.licence')
    .where('licences.trial', '=', true)
    .select(({ fn }) => fn.countAll<number>().as('keys'))
    .executeTakeFirstOrThrow();
  return row.keys;
}

/** Deletes the keys of trials that ended before `day`, and so frees their addresses. */
export async function deleteTrialKeys(db: Database, day: EpochDay): Promise<void> {
  await db
    .deleteFrom('devices')
    .where('licence', 'in', (query) =>
      query.selectFrom('licences').where('trial', '=', true).where('expires_on', '<', isoDate(day)).select('id'),
    )
    .execute();
}

export async function deleteDevice(db: Database, licence: LicenceId, key: DeviceKey): Promise<boolean> {
  const result = await db
    .deleteFrom('devices')
    .where('licence', '=', licence)
    .where('public_key', '=', key)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}
