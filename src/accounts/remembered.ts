// SPDX-License-Identifier: AGPL-3.0-or-later

import type { Database, Tables } from '../database/tables.ts';
import { deviceKeyText } from '../devices/key.ts';
import { assertDeclared } from '../inventory/guard.ts';
import { INVENTORY } from '../inventory/inventory.ts';
import type { LiveSeats } from '../seats/seats.ts';
import { type UsageKey, usageTagOf } from '../usage/tag.ts';
import { eventsOf } from '../usage/usage.store.ts';
import type { Customer } from './account.ts';
import { rowsAbout } from './remembered.store.ts';

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

/** A row beside its declaration. Throws an UndeclaredError for a row that the inventory does not know. */
export function rememberedRow(store: string, row: Readonly<Record<string, unknown>>): RememberedRow {
  assertDeclared(store, row);
  const fields = Object.entries(INVENTORY[store] ?? {}).map(([name, { kind, purpose, retention }]) => {
    const value = row[name];
    const text = value instanceof Uint8Array ? deviceKeyText(value) : String(value);
    return { name, value: text, kind, purpose, retention };
  });
  return { store, fields };
}

/** Answers the question "what do you know about me?" from the real rows. */
export class RememberedService implements Remembered {
  readonly #db: Database;
  readonly #seats: LiveSeats;
  readonly #usageKey: UsageKey;

  constructor(db: Database, seats: LiveSeats, usageKey: UsageKey) {
    this.#db = db;
    this.#seats = seats;
    this.#usageKey = usageKey;
  }

  async of({ account, licence }: Customer): Promise<readonly RememberedRow[]> {
    const rows = await rowsAbout(this.#db, account, licence.id);
    return [
      ...rows.accounts.map((row) => rememberedRow('database.accounts', row)),
      ...rows.licences.map((row) => rememberedRow('database.licences', row)),
      ...rows.signIns.map((row) => rememberedRow('database.sign_ins', row)),
      ...rows.credentials.map((row) => rememberedRow('database.credentials', row)),
      ...rows.devices.map((row) => rememberedRow('database.devices', row)),
      ...(await this.#events(rows.credentials)),
      ...this.#seats.of(licence.id).map((seat) => rememberedRow('live.seats', { ...seat })),
    ];
  }

  async #events(credentials: readonly Tables['credentials'][]): Promise<RememberedRow[]> {
    const tags = credentials.map((row) => usageTagOf(this.#usageKey, row.name_key));
    const events = await Promise.all(tags.map((tag) => eventsOf(this.#db, tag)));
    return events.flat().map((event) => rememberedRow('database.usage_events', event));
  }
}
