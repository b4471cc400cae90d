// SPDX-License-Identifier: AGPL-3.0-or-later
import { type EpochDay, isoDate, parseIsoDate } from '../../core/clock/clock.ts';
import type { Licence, LicenceId } from '../../core/licences/licence.ts';
import type { Database } from '../database/tables.ts';
import type { AccountId } from './account.ts';

/** What an operator may see of an account. */
export interface AccountSeen {
  readonly account: AccountId;
  readonly licence: Licence;
  /** WireGuard keys. */
  readonly devices: number;
}

/** The account of a number, by its hash. */
export async function seenByNumber(db: Database, numberHash: Uint8Array): Promise<AccountSeen | undefined> {
  const row = await db
    .selectFrom('accounts')
    .innerJoin('licences', 'licences.account', 'accounts.id')
    .where('number_hash', '=', numberHash)
    .select(['accounts.id as account', 'licences.id', 'licences.expires_on', 'licences.seats', 'licences.trial'])
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const { count } = await db
    .selectFrom('devices')
    .where('licence', '=', row.id)
    .select((query) => query.fn.countAll().as('count'))
    .executeTakeFirstOrThrow();
  const expiresOn = parseIsoDate(row.expires_on) as EpochDay;
  return {
    account: row.account as AccountId,
    licence: { id: row.id as LicenceId, expiresOn, seats: row.seats, trial: row.trial },
    devices: Number(count),
  };
}

/** Sets the last day of a licence. It is no trial any more. */
export async function setLastDay(db: Database, licence: LicenceId, day: EpochDay): Promise<void> {
  await db
    .updateTable('licences')
    .set({ expires_on: isoDate(day), trial: false })
    .where('id', '=', licence)
    .execute();
}
