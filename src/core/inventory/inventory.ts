// SPDX-License-Identifier: AGPL-3.0-or-later
import { ACTIVATOR, ATTESTED } from './activator.ts';
import { API } from './api.ts';
import { DATABASE } from './database.ts';
import type { Declaration, Store } from './datum.ts';
import { EXIT } from './exit.ts';
import { JOURNAL } from './journal.ts';
import { LIVE } from './live.ts';

/** THE privacy policy as code: every record that the service may keep or send, with every field. */
export const INVENTORY: Readonly<Record<string, Declaration>> = {
  ...fieldsOf(DATABASE),
  ...fieldsOf(LIVE),
  ...EXIT,
  ...API,
  ...ACTIVATOR,
  ...ATTESTED,
  ...JOURNAL,
};

/** Stores without their marks. */
function fieldsOf(stores: Readonly<Record<string, Store>>): Record<string, Declaration> {
  return Object.fromEntries(Object.entries(stores).map(([name, { fields }]) => [name, fields]));
}
