// SPDX-License-Identifier: AGPL-3.0-or-later
import type { CustomerKey, Declaration, Store } from './datum.ts';
import { UndeclaredError } from './guard.ts';

/** A store each of whose rows leads to one customer: the one whose `customer` key is in `column`. */
export interface CustomerStore {
  readonly name: string;
  readonly fields: Declaration;
  readonly customer: CustomerKey;
  readonly column: string;
}

/** Stores that got past the compiler, or were made by hand: any of them may lack its mark. */
export type Stores = Readonly<Record<string, Pick<Store, 'fields'> & Partial<Store>>>;

/** Whether a store says whom it is about, and leads to the customer that it promises. */
export function isMarked({ about, fields }: Stores[string]): boolean {
  if (about === undefined) return false;
  return about === 'unlinked' || about === 'service' || Object.hasOwn(fields, about.column);
}

/** The stores about customers, with a key or without, in the order of the inventory. */
export function storesAboutCustomers(stores: Stores): readonly string[] {
  return marked(stores).flatMap(([name, { about }]) => (about === 'service' ? [] : [name]));
}

/** The stores whose rows lead to a customer, in the order of the inventory. */
export function customerStores(stores: Stores): readonly CustomerStore[] {
  return marked(stores).flatMap(([name, { about, fields }]) =>
    typeof about === 'object' ? [{ name, fields, ...about }] : [],
  );
}

/** Throws an UndeclaredError when a store has no mark: it would be missing wherever rows about customers are looked for. */
function marked(stores: Stores) {
  const unmarked = Object.entries(stores).find(([, store]) => !isMarked(store));
  if (unmarked !== undefined) throw new UndeclaredError(`${unmarked[0]} does not say whom it is about`);
  return Object.entries(stores);
}
