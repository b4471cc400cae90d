// SPDX-License-Identifier: AGPL-3.0-or-later
import { valueAllowed } from '../../core/inventory/guard.ts';

/** A network holder's name that a usage event may hold: short, printable, nowhere the shape of an address. */
export type IspName = string & { readonly __unit: 'isp name' };

/** Any text as the name of a network's holder. What cannot be one is `unknown`. */
export function ispName(text: string): IspName {
  const name = text.normalize('NFC').replace(/\s+/gu, ' ').trim();
  return (name !== '' && name.isWellFormed() && valueAllowed('isp', name) ? name : 'unknown') as IspName;
}

/** A country code that a usage event may hold. What is none is `unknown`. */
export function countryCode(text: string): string {
  return valueAllowed('country', text) ? text : 'unknown';
}
