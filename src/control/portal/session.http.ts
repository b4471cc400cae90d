// SPDX-License-Identifier: AGPL-3.0-or-later
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { Customer, SignInToken } from '../accounts/account.ts';

/** A customer signed in, for the length of one request. */
export interface Session {
  readonly token: string;
  readonly customer: Customer;
  /** Part of each form of the session's pages. Without the cookie it cannot be known. */
  readonly formToken: string;
}

const NAME = 'lethe';

/** With `__Host-`, a browser takes the cookie only from this very host and only over TLS. */
function prefix(secure: boolean): 'host' | undefined {
  return secure ? 'host' : undefined;
}

/** Hostile input: whatever the browser sent. */
export function sessionCookie(c: Context, secure: boolean): string | undefined {
  return getCookie(c, NAME, prefix(secure));
}

/** The session's cookie. It ends with the browser's own session, and is never set before sign-in. */
export function setSessionCookie(c: Context, secure: boolean, token: SignInToken): void {
  const shape = { path: '/', httpOnly: true, sameSite: 'Strict', secure } as const;
  setCookie(c, NAME, token, secure ? { ...shape, secure: true, prefix: 'host' } : shape);
}

export function deleteSessionCookie(c: Context, secure: boolean): void {
  deleteCookie(c, secure ? `__Host-${NAME}` : NAME, { path: '/', secure });
}

export function formTokenOf(token: string): string {
  return createHmac('sha256', token).update('lethe portal form').digest('base64url');
}

/** Hostile input: whatever was in the form. */
export function formTokenFits(formToken: string, given: string | null): boolean {
  const expected = Buffer.from(formToken);
  const actual = Buffer.from(given ?? '');
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}
