// SPDX-License-Identifier: AGPL-3.0-or-later

import type { Stores } from '../../core/inventory/about.ts';
import { DATABASE } from '../../core/inventory/database.ts';
import type { CustomerKey, Declaration } from '../../core/inventory/datum.ts';
import { assertDeclared } from '../../core/inventory/guard.ts';
import { INVENTORY } from '../../core/inventory/inventory.ts';
import type { LIVE } from '../../core/inventory/live.ts';
import type { LicenceId } from '../../core/licences/licence.ts';
import type { Database } from '../database/tables.ts';
import type { LiveSeats } from '../seats/seats.ts';
import { presentSalts } from '../usage/salt.store.ts';
import { type StoredTag, storedTagOf, type UsageKey, usageTagsOf } from '../usage/tag.ts';
import type { Customer } from './account.ts';
import { deviceKeyText } from './device-key.ts';
import { nameKeysOf, rowsAbout } from './remembered.store.ts';

/** One row that the service keeps about a customer, with the inventory's own words beside each value. */
export interface RememberedRow {
  /** `database.licences`, `live.seats` … as in the inventory. */
  readonly store: string;
  readonly fields: readonly {
    readonly name: string;
    /** Numbers and dates as text, binary values as base64. */
    readonly value: string;
    readonly kind: string;
    readonly purpose: string;
    readonly retention: string;
  }[];
}

export interface Remembered {
  /** Everything there is about this customer: rows that name the licence, and usage events by the customer's tag. */
  of(customer: Customer): Promise<readonly RememberedRow[]>;
}

/** For each store in memory that leads to a customer, how its rows are read: one that is forgotten does not compile. */
export type LiveReaders<Live extends Stores> = {
  readonly [Name in keyof Live as Live[Name]['about'] extends { customer: CustomerKey } ? Name : never]: (
    licence: LicenceId,
  ) => readonly object[];
};

/** A row beside its declaration. Throws an UndeclaredError for a row that the inventory does not know. */
export function rememberedRow(
  store: string,
  row: Readonly<Record<string, unknown>>,
  declaration: Declaration | undefined = INVENTORY[store],
): RememberedRow {
  assertDeclared(store, row, declaration);
  const fields = Object.entries(declaration ?? {}).map(([name, { kind, purpose, retention }]) => {
    const value = row[name];
    const text = value instanceof Uint8Array ? deviceKeyText(value) : String(value);
    return { name, value: text, kind, purpose, retention };
  });
  return { store, fields };
}

/** Answers the question "what do you know about me?" from the real rows of whatever the inventory says is about customers. */
export class RememberedService implements Remembered {
  readonly #db: Database;
  readonly #live: LiveReaders<typeof LIVE>;
  readonly #usageKey: UsageKey;
  readonly #tables: Stores;

  constructor(db: Database, seats: LiveSeats, usageKey: UsageKey, tables: Stores = DATABASE) {
    this.#db = db;
    this.#live = { 'live.seats': (licence) => seats.of(licence) };
    this.#usageKey = usageKey;
    this.#tables = tables;
  }

  async of({ account, licence }: Customer): Promise<readonly RememberedRow[]> {
    const tags = await this.#tagsOf(licence.id);
    const keys = { account: [account], licence: [licence.id], 'usage tag': tags };
    const stored = await rowsAbout(this.#db, keys, this.#tables);
    return [
      ...stored.map(({ store, row }) => rememberedRow(store.name, row, store.fields)),
      ...Object.entries(this.#live).flatMap(([store, read]) =>
        read(licence.id).map((row) => rememberedRow(store, { ...row })),
      ),
    ];
  }

  /** Under these the customer's events are stored, as far as anybody can still tell. */
  async #tagsOf(licence: LicenceId): Promise<StoredTag[]> {
    const [nameKey] = await nameKeysOf(this.#db, licence);
    const tags = usageTagsOf(this.#usageKey, licence, nameKey);
    const salts = await presentSalts(this.#db);
    return salts.flatMap((salt) => tags.map((tag) => storedTagOf(this.#usageKey, salt, tag)));
  }
}
