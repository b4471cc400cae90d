// SPDX-License-Identifier: AGPL-3.0-or-later
import { ACTIVATOR, ATTESTED } from './activator.ts';
import { API } from './api.ts';
import { DATABASE } from './database.ts';
import type { Declaration } from './datum.ts';
import { EXIT } from './exit.ts';
import { JOURNAL } from './journal.ts';
import { LIVE } from './live.ts';

/** THE privacy policy as code: every record that the service may keep or send, with every field (S14, X1). */
export const INVENTORY: Readonly<Record<string, Declaration>> = {
  ...DATABASE,
  ...LIVE,
  ...EXIT,
  ...API,
  ...ACTIVATOR,
  ...ATTESTED,
  ...JOURNAL,
};
