// SPDX-License-Identifier: AGPL-3.0-or-later

/** What an operator has decided, and says. What is not given is not said. */
export interface Facts {
  /** Days of a new account, and its connections at once. */
  readonly trial?: { readonly days: number; readonly seats: number };
  readonly price?: string | undefined;
  readonly operator?: string | undefined;
  readonly contact?: string | undefined;
}
