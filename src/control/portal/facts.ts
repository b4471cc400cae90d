// SPDX-License-Identifier: AGPL-3.0-or-later

/** What an operator has decided, and says. Of the rest the start page says that it was not said. */
export interface Facts {
  /** Days of a new account, and its connections at once. */
  readonly trial?: { readonly days: number; readonly seats: number };
  readonly price?: string | undefined;
  readonly operator?: string | undefined;
  /** `mailto:help@vpn.example` or `https://…` */
  readonly contact?: string | undefined;
}
