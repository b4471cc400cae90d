// SPDX-License-Identifier: AGPL-3.0-or-later
import type { EpochDay } from '../../core/clock/clock.ts';
import type { Licence } from '../../core/licences/licence.ts';

/** An account's random row key, 16 hex digits. Only the customer's own `remembered` shows it. */
export type AccountId = string & { readonly __unit: 'account' };

/** A 20-character account number as the customer sees it: `ABCD-EFGH-JKMN-PQRS-TVWX`. The only login; never stored. */
export type AccountNumber = string & { readonly __unit: 'account number' };

/** The token of a sign-in: 43 characters of base64url. It is the portal's cookie and the API's bearer token. */
export type SignInToken = string & { readonly __unit: 'sign-in token' };

/** A customer who is signed in. Every call about a customer's own things takes one, so none can be made without it. */
export interface Customer {
  readonly account: AccountId;
  readonly licence: Licence;
}

export interface SignIn {
  readonly token: SignInToken;
  /** The last day on which the token is valid. */
  readonly expiresOn: EpochDay;
}

export interface SignUp {
  readonly accountNumber: AccountNumber;
  readonly signIn: SignIn;
  readonly customer: Customer;
}

/** The same form once more, from somebody who is signed in to the account that it made. */
export interface SignUpAgain extends Omit<SignUp, 'signIn'> {
  readonly signIn: undefined;
}

/** `malformed`: not an account number at all. `mistyped`: the check characters do not fit. `busy`: try again soon. */
export type SignInRefusal = 'malformed' | 'mistyped' | 'unknown' | 'busy';
