// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { getCookie, setCookie } from 'hono/cookie';
import { html } from 'hono/html';
import type { Accounts } from '../accounts/account-service.ts';
import { type PortalContext, type PortalEnv, type PortalRequest, refuse, show } from './context.http.ts';
import { FORM_LIMIT, readForm, senderOf } from './form.http.ts';
import type { Page, View } from './frame.page.ts';
import { signInPage, signUpPage } from './public.page.ts';
import { formTokenFits, formTokenOf } from './session.http.ts';

/** Forms that may be sent before there is a session, each with the page that has it. */
const OPEN: ReadonlyMap<string, (view: View, accounts: Accounts) => Page> = new Map([
  ['/sign-up', (view: View, accounts: Accounts) => signUpPage(view, accounts.signUpForm())],
  ['/sign-in', (view: View) => signInPage(view)],
]);

/** Its hidden field is the number itself, sealed: a site that has it has nothing to gain from another's browser. */
const SEALED = '/sign-up/file';

/** Every form comes from a page of ours and, after sign-in, from a page of that session. */
export function checkForms(app: Hono<PortalEnv>, context: PortalContext): void {
  app.post(
    '*',
    bodyLimit({ maxSize: FORM_LIMIT, onError: (c) => refuse(c, context, 'too_large') }),
    async (c, next) => {
      const sender = senderOf(c, context.publicOrigin);
      if (sender === 'foreign') return refuse(c, context, 'forged');
      const form = await readForm(c);
      if (form === 'malformed') return refuse(c, context, 'malformed_form');
      if (OPEN.has(c.req.path)) {
        if (sender === 'untold' && !proven(c, context, form)) return askAgain(c, context);
      } else if (c.req.path !== SEALED) {
        const session = c.get('session');
        if (session !== undefined && !formTokenFits(session.formToken, form.get('token')))
          return refuse(c, context, sender === 'ours' ? 'outdated' : 'forged');
      }
      c.set('form', form);
      return next();
    },
  );
}

const NAME = 'lethe-form';
/** Seconds. */
const LIFETIME = 600;

/**
 * Whether the form is one that {@link askAgain} drew for this browser: another site neither knows the cookie nor makes a
 * browser send it (SameSite). Its answer, a wrong number for instance, may be sent again from there.
 */
function proven(c: PortalRequest, context: PortalContext, form: URLSearchParams): boolean {
  const cookie = formCookie(c, context.secure(c.req.url));
  if (cookie === undefined || !formTokenFits(formTokenOf(cookie), form.get('proof'))) return false;
  c.set('proof', formTokenOf(cookie));
  return true;
}

/** Hostile input: whatever the browser sent. */
function formCookie(c: PortalRequest, secure: boolean): string | undefined {
  const cookie = getCookie(c, NAME, secure ? 'host' : undefined);
  return cookie !== undefined && /^[\w-]{43}$/.test(cookie) ? cookie : undefined;
}

/** Draws the form anew, empty, with a cookie that proves where it will come from. Nothing of it is kept here. */
function askAgain(c: PortalRequest, context: PortalContext): Promise<Response> {
  const secure = context.secure(c.req.url);
  const cookie = formCookie(c, secure) ?? Buffer.from(context.random.bytes(32)).toString('base64url');
  const shape = { path: '/', httpOnly: true, sameSite: 'Strict', maxAge: LIFETIME } as const;
  setCookie(c, NAME, cookie, secure ? { ...shape, secure: true, prefix: 'host' } : shape);
  c.set('proof', formTokenOf(cookie));
  const draw = OPEN.get(c.req.path) ?? ((view) => signInPage(view));
  return show(
    c,
    context,
    (view) => {
      const { title, main } = draw(view, context.services.accounts);
      return { title, main: html`<p class="note" role="alert">${view.texts.signIn.again}</p>${main}` };
    },
    403,
  );
}
