// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Random } from '../../core/random/random.ts';
import { type Database, declared } from '../database/tables.ts';

/** The first day of the month of a date: `2026-11-01` for `2026-11-21`. */
export function monthOf(date: string): string {
  return `${date.slice(0, 7)}-01`;
}

/** The salts of these months, each drawn when it is needed first. */
export async function saltsFor(
  db: Database,
  months: Iterable<string>,
  random: Random,
): Promise<Map<string, Uint8Array>> {
  const wanted = [...new Set(months)];
  if (wanted.length === 0) return new Map();
  await db
    .insertInto('usage_salts')
    .values(wanted.map((month) => declared('usage_salts', { month, salt: random.bytes(32) })))
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const rows = await db.selectFrom('usage_salts').where('month', 'in', wanted).selectAll().execute();
  return new Map(rows.map(({ month, salt }) => [month, salt]));
}

/** Those that there still are: of this month, and of the one before. */
export async function presentSalts(db: Database): Promise<Uint8Array[]> {
  const rows = await db.selectFrom('usage_salts').select('salt').execute();
  return rows.map(({ salt }) => salt);
}

export async function deleteSalts(db: Database, before: string): Promise<void> {
  await db.deleteFrom('usage_salts').where('month', '<', before).execute();
}
