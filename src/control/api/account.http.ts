// SPDX-License-Identifier: AGPL-3.0-or-later

import { isoDate } from '../../core/clock/clock.ts';
import type { SignInRefusal } from '../accounts/account.ts';
import { credentialsAnswer, licenceAnswer } from './answers.ts';
import type { Door } from './door.ts';
import type { ApiProblem } from './problem.ts';
import { NewNumber, SignedIn, SignedUp, SignInRequest } from './schemas.ts';
import type { ApiServices } from './services.ts';

const SIGN_IN_REFUSALS = {
  malformed: 'account_malformed',
  mistyped: 'account_mistyped',
  unknown: 'account_unknown',
  busy: 'busy',
} as const satisfies Record<SignInRefusal, ApiProblem>;

/** Sign-up, sign-in and sign-out. */
export function serveAccounts(door: Door, { accounts, credentials }: ApiServices): void {
  door.serve(
    {
      method: 'post',
      path: '/api/v1/accounts',
      summary: 'Sign up: makes an account, a licence and credentials for the tunnels. The secrets are shown this once.',
      signedIn: false,
      body: undefined,
      status: 201,
      answer: SignedUp,
      refusals: ['busy', 'full'],
    },
    async () => {
      const made = await accounts.signUp();
      if (typeof made === 'string') return made;
      return {
        account_number: made.accountNumber,
        token: made.signIn.token,
        token_expires_on: isoDate(made.signIn.expiresOn),
        licence: licenceAnswer(made.customer.licence),
        credentials: credentialsAnswer(await credentials.rotate(made.customer)),
      };
    },
  );
  door.serve(
    {
      method: 'post',
      path: '/api/v1/sign-ins',
      summary: 'Sign in with the account number.',
      signedIn: false,
      body: SignInRequest,
      status: 201,
      answer: SignedIn,
      refusals: Object.values(SIGN_IN_REFUSALS),
    },
    async ({ body }) => {
      const signIn = await accounts.signIn(body.account_number);
      if (typeof signIn === 'string') return SIGN_IN_REFUSALS[signIn];
      return { token: signIn.token, token_expires_on: isoDate(signIn.expiresOn) };
    },
  );
  door.serve(
    {
      method: 'delete',
      path: '/api/v1/sign-ins/current',
      summary: 'Sign out: the token is worth nothing from now on.',
      signedIn: true,
      body: undefined,
      status: 204,
      answer: undefined,
      refusals: [],
    },
    async ({ token }) => {
      await accounts.signOut(token);
      return undefined;
    },
  );
}

/** What a customer does whose number or device got into other hands, or who leaves. */
export function serveLeaving(door: Door, { accounts, changes }: ApiServices): void {
  const nothing = { signedIn: true, body: undefined, status: 204, answer: undefined, refusals: ['busy'] } as const;
  door.serve(
    {
      ...nothing,
      method: 'delete',
      path: '/api/v1/sign-ins/others',
      summary: 'Ends every sign-in of the account but this one.',
    },
    async ({ customer, token }) => {
      if (!changes.spend(customer.account)) return 'busy';
      await accounts.signOutOthers(customer, token);
      return undefined;
    },
  );
  door.serve(
    {
      method: 'post',
      path: '/api/v1/account-number',
      summary: 'A new account number, shown this once. The old one is worth nothing, and every other sign-in ends.',
      signedIn: true,
      body: undefined,
      status: 201,
      answer: NewNumber,
      refusals: ['busy'],
    },
    async ({ customer, token }) => {
      if (!changes.spend(customer.account)) return 'busy';
      return { account_number: await accounts.changeNumber(customer, token) };
    },
  );
  door.serve(
    {
      ...nothing,
      method: 'delete',
      path: '/api/v1/account',
      summary: 'Deletes the account with its licence, credentials, devices and sign-ins, at once and for ever.',
      refusals: [],
    },
    async ({ customer }) => {
      await accounts.close(customer);
      return undefined;
    },
  );
}
