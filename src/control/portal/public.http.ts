// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Hono } from 'hono';
import { INVENTORY } from '../../core/inventory/inventory.ts';
import type { Customer, SignIn } from '../accounts/account.ts';
import { PROBLEM_STATUS } from '../surface/problems.ts';
import { connectPage } from './connect.page.ts';
import { offered, type PortalContext, type PortalEnv, type PortalRequest, refuse, show } from './context.http.ts';
import { handOut } from './handout.http.ts';
import { SYSTEMS } from './howtos.ts';
import { chosenOf } from './places.page.ts';
import { fieldsPage, privacyPage } from './privacy.page.ts';
import { homePage, signInPage, signUpPage } from './public.page.ts';
import { formTokenOf, type Session, setSessionCookie } from './session.http.ts';
import { numberFile, welcomePage } from './welcome.page.ts';

/** Pages that anybody may see, and the two forms that begin a session. */
export function publicRoutes(app: Hono<PortalEnv>, context: PortalContext): void {
  const { accounts } = context.services;
  app.get('/', (c) =>
    show(c, context, (view) => homePage(view, accounts.signUpForm(), context.facts, offered(context))),
  );
  app.get('/privacy', (c) => show(c, context, privacyPage));
  app.get('/privacy/fields', (c) => show(c, context, (view) => fieldsPage(view, INVENTORY)));
  for (const system of SYSTEMS) {
    app.get(`/connect/${system}/:location?`, async (c) => {
      const { profile: material, credentials, seats } = context.services;
      const locations = offered(context);
      const wanted = c.req.param('location');
      const chosen = chosenOf(locations, wanted);
      if (wanted !== undefined && chosen?.id !== wanted) return refuse(c, context, 'not_found');
      const customer = c.get('session')?.customer;
      const present = customer !== undefined && (await credentials.present(customer));
      const used = customer === undefined ? 0 : seats.used(customer.licence.id);
      return show(c, context, (view) =>
        connectPage(view, system, { material, locations, chosen, credentials: present, used }),
      );
    });
  }
  app.get('/sign-up', (c) => show(c, context, (view) => signUpPage(view, accounts.signUpForm())));
  signUp(app, context);
  signIn(app, context);
}

/**
 * Answers with the page itself, so that no address leads to the number. Sent again, by a reload or a second click, the
 * form shows the same page of the same account.
 */
function signUp(app: Hono<PortalEnv>, context: PortalContext): void {
  const { accounts } = context.services;
  const again = (c: PortalRequest, why: 'stale' | 'used') =>
    show(c, context, (view) => signUpPage(view, accounts.signUpForm(), why), PROBLEM_STATUS.invalid);
  app.post('/sign-up', async (c) => {
    const once = c.get('form').get('once') ?? accounts.signUpForm();
    const made = await accounts.signUpOnce(once, c.get('session')?.customer);
    if (made === 'busy' || made === 'full') return refuse(c, context, made);
    if (made === 'stale' || made === 'used') return again(c, made);
    const session = made.signIn === undefined ? c.get('session') : signedIn(c, context, made.customer, made.signIn);
    return show(c, context, (view) => welcomePage(view, session as Session, made.accountNumber, once));
  });
  app.post('/sign-up/file', (c) => {
    const number = accounts.numberOf(c.get('form').get('once') ?? '');
    if (number === undefined) return again(c, 'stale');
    const origin = context.publicOrigin ?? new URL(c.req.url).origin;
    return handOut(c, numberFile(context.texts, context.services.profile.name, number, origin));
  });
}

/** The session begins with this answer. */
function signedIn(c: PortalRequest, context: PortalContext, customer: Customer, { token }: SignIn): Session {
  const session = { token, customer, formToken: formTokenOf(token) };
  setSessionCookie(c, context.secure(c.req.url), token);
  c.set('session', session);
  return session;
}

function signIn(app: Hono<PortalEnv>, context: PortalContext): void {
  app.get('/sign-in', async (c) => {
    if (c.get('session') !== undefined) return c.redirect('/account', 303);
    return show(c, context, (view) => signInPage(view, c.req.query('expired') === undefined ? undefined : 'expired'));
  });
  app.post('/sign-in', async (c) => {
    const typed = c.get('form').get('number') ?? '';
    const answer = await context.services.accounts.signIn(typed);
    if (answer === 'busy') return refuse(c, context, 'busy');
    if (typeof answer === 'string') return show(c, context, (view) => signInPage(view, answer, typed), 422);
    setSessionCookie(c, context.secure(c.req.url), answer.token);
    return c.redirect('/account', 303);
  });
}
