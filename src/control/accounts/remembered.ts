// SPDX-License-Identifier: AGPL-3.0-or-later

import { customerStores, type Stores } from '../../core/inventory/about.ts';
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

/** Rows that are read at once, at most. */
export const MOST_ROWS = 200;

/** What `next` looks like: a store, and how many of its rows were before. */
export const CURSOR = /^\d{1,3}\.\d{1,9}$/;

export interface RememberedPage {
  readonly rows: readonly RememberedRow[];
  /** The cursor of the page that follows; undefined at the end. */
  readonly next: string | undefined;
}

export interface Remembered {
  /**
   * What there is about this customer, a page at a time: rows that name the licence, and usage events by the customer's tag. A
   * cursor is one that a page gave; any other gives an empty page.
   */
  of(customer: Customer, page?: { readonly cursor?: string; readonly limit?: number }): Promise<RememberedPage>;
}

/** Reads some of the rows of one store. */
type Section = (limit: number, offset: number) => Promise<readonly RememberedRow[]>;

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

  async of(
    customer: Customer,
    page: { readonly cursor?: string; readonly limit?: number } = {},
  ): Promise<RememberedPage> {
    const { cursor = '0.0', limit = MOST_ROWS } = page;
    const sections = await this.#sections(customer);
    if (!CURSOR.test(cursor)) return { rows: [], next: undefined };
    const [first = 0, before = 0] = cursor.split('.').map(Number);
    const rows: RememberedRow[] = [];
    for (const [index, section] of sections.entries()) {
      if (index < first) continue;
      const offset = index === first ? before : 0;
      const room = Math.min(limit, MOST_ROWS) - rows.length;
      const found = await section(room + 1, offset);
      rows.push(...found.slice(0, room));
      if (found.length > room) return { rows, next: `${index}.${offset + room}` };
    }
    return { rows, next: undefined };
  }

  /** The stores that lead to the customer, those in memory last. */
  async #sections({ account, licence }: Customer): Promise<Section[]> {
    const keys = { account: [account], licence: [licence.id], 'usage tag': await this.#tagsOf(licence.id) };
    const stored = customerStores(this.#tables).map((store): Section => {
      return async (limit, offset) => {
        const rows = await rowsAbout(this.#db, keys, store, { limit, offset });
        return rows.map((row) => rememberedRow(store.name, row, store.fields));
      };
    });
    const live = Object.entries(this.#live).map(([store, read]): Section => {
      return async (limit, offset) => {
        const rows = read(licence.id).slice(offset, offset + limit);
        return rows.map((row) => rememberedRow(store, { ...row }));
      };
    });
    return [...stored, ...live];
  }

  /** Under these the customer's events are stored, as far as anybody can still tell. */
  async #tagsOf(licence: LicenceId): Promise<StoredTag[]> {
    const [nameKey] = await nameKeysOf(this.#db, licence);
    const tags = usageTagsOf(this.#usageKey, licence, nameKey);
    const salts = await presentSalts(this.#db);
    return salts.flatMap((salt) => tags.map((tag) => storedTagOf(this.#usageKey, salt, tag)));
  }
}
