// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Database, declared } from '../database/tables.ts';

/** The serial of what a gateway is expected to be: the same for the same digest as last time, else one more. */
export async function serialOf(db: Database, gateway: string, digest: Uint8Array): Promise<number> {
  return db.transaction().execute(async (transaction) => {
    const before = await transaction
      .selectFrom('gateways')
      .where('gateway', '=', gateway)
      .selectAll()
      .forUpdate()
      .executeTakeFirst();
    if (before !== undefined && Buffer.compare(before.digest, digest) === 0) return before.serial;
    const row = declared('gateways', { gateway, serial: (before?.serial ?? 0) + 1, digest });
    await transaction
      .insertInto('gateways')
      .values(row)
      .onConflict((conflict) => conflict.column('gateway').doUpdateSet({ serial: row.serial, digest }))
      .execute();
    return row.serial;
  });
}
