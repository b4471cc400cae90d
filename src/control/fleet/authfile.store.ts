// SPDX-License-Identifier: AGPL-3.0-or-later
import type { LoginRecord, PeerRecord } from '../../contracts/authfile/seal.ts';
import { type EpochDay, isoDate, parseIsoDate } from '../../core/clock/clock.ts';
import type { Entitlement, LicenceId } from '../../core/licences/licence.ts';
import type { Random } from '../../core/random/random.ts';
import type { CredentialSalt } from '../accounts/credential.ts';
import { type Database, declared } from '../database/tables.ts';
import { licenceTagOf, type UsageKey, usageTagOf } from '../usage/tag.ts';

/**
 * The salt is drawn once in the life of a service: each credential is hashed with it. The table takes one row, so copies of
 * the program that start at once all read the same.
 */
export async function credentialSalt(db: Database, random: Random): Promise<CredentialSalt> {
  await db
    .insertInto('authfile')
    .values(declared('authfile', { version: 0, salt: random.bytes(14) }))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const { salt } = await db.selectFrom('authfile').select('salt').executeTakeFirstOrThrow();
  return new Uint8Array(salt) as CredentialSalt;
}

export interface AuthFileRecords {
  readonly version: number;
  readonly logins: readonly LoginRecord[];
  readonly peers: readonly PeerRecord[];
  /** The licences that are valid, ascending, and in the same order their seats. */
  readonly licences: Float64Array<ArrayBuffer>;
  readonly seats: Uint8Array<ArrayBuffer>;
}

/**
 * Days for which a licence that has ended stays in the file, so that gateways tell its customer that it has, and not that
 * the password is wrong. They let no one in by it. Longer would only make the file longer.
 */
export const EXPLAINED = 14;

/**
 * Everything that may connect on `day`, and the logins that could until lately, under the next version. The version is taken
 * first, and its row stays locked until the records are read: a higher version never has older records.
 */
export async function nextRecords(db: Database, key: UsageKey, day: EpochDay): Promise<AuthFileRecords> {
  return db.transaction().execute(async (transaction) => {
    const { version } = await transaction
      .updateTable('authfile')
      .set((row) => ({ version: row('version', '+', 1) }))
      .returning('version')
      .executeTakeFirstOrThrow();
    const rows = await transaction
      .selectFrom('licences')
      .leftJoin('credentials', 'credentials.licence', 'licences.id')
      .where('licences.expires_on', '>=', isoDate((day - EXPLAINED) as EpochDay))
      .select(['licences.id', 'licences.expires_on', 'licences.seats'])
      .orderBy('licences.id')
      .select(['credentials.verifier', 'credentials.name_key', 'credentials.nt_hash'])
      .execute();
    const entitlements = new Map<number, Entitlement>();
    const logins = rows.flatMap((row) => {
      const { verifier, name_key: nameKey, nt_hash: ntHash } = row;
      const entitlement: Entitlement = {
        licence: row.id as LicenceId,
        expiresOn: parseIsoDate(row.expires_on) as EpochDay,
        seats: row.seats,
        usageTag: nameKey === null ? licenceTagOf(key, row.id as LicenceId) : usageTagOf(key, nameKey),
      };
      entitlements.set(row.id, entitlement);
      // A licence without a username has its WireGuard keys alone.
      const named = verifier !== null && nameKey !== null && ntHash !== null;
      return named ? [{ verifier, nameKey, ntHash, entitlement }] : [];
    });
    const devices = await transaction.selectFrom('devices').selectAll().execute();
    const peers = devices.flatMap(({ public_key: publicKey, host, licence }) => {
      const entitlement = entitlements.get(licence);
      return entitlement === undefined || entitlement.expiresOn < day ? [] : [{ publicKey, host, entitlement }];
    });
    const valid = rows.filter((row) => row.expires_on >= isoDate(day));
    const licences = Float64Array.from(valid, (row) => row.id);
    const seats = Uint8Array.from(valid, (row) => row.seats);
    return { version, logins, peers, licences, seats };
  });
}
