// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Hono } from 'hono';
import { INVENTORY } from '../../core/inventory/inventory.ts';
import { connectPage } from './connect.page.ts';
import { type PortalContext, type PortalEnv, refuse, show } from './context.http.ts';
import { welcomePage } from './credentials.page.ts';
import { SYSTEMS } from './howtos.ts';
import { privacyPage } from './privacy.page.ts';
import { homePage, signInPage, signUpPage } from './public.page.ts';
import { formTokenOf, setSessionCookie } from './session.http.ts';

/** Pages that anybody may see, and the two forms that begin a session. */
export function publicRoutes(app: Hono<PortalEnv>, context: PortalContext): void {
  app.get('/', (c) => show(c, context, homePage));
  app.get('/privacy', (c) => show(c, context, (view) => privacyPage(view, INVENTORY)));
  for (const system of SYSTEMS) {
    app.get(`/connect/${system}`, (c) =>
      show(c, context, (view) =>
        connectPage(view, system, context.services.profile, context.services.locations.list()),
      ),
    );
  }
  app.get('/sign-up', (c) => show(c, context, signUpPage));
  signUp(app, context);
  signIn(app, context);
}

/** Answers with the page itself: the number is shown once, so there is nothing to redirect to. */
function signUp(app: Hono<PortalEnv>, context: PortalContext): void {
  const { accounts, locations } = context.services;
  app.post('/sign-up', async (c) => {
    const made = await accounts.signUp();
    if (made === 'busy') return refuse(c, context, 'busy');
    const { customer, signIn } = made;
    const { token } = signIn;
    const session = { token, customer, formToken: formTokenOf(token) };
    setSessionCookie(c, context.secure(c.req.url), token);
    c.set('session', session);
    return show(c, context, (view) => welcomePage(view, session, made, locations.list()));
  });
}

function signIn(app: Hono<PortalEnv>, context: PortalContext): void {
  app.get('/sign-in', async (c) => {
    if (c.get('session') !== undefined) return c.redirect('/account', 303);
    return show(c, context, (view) => signInPage(view, c.req.query('expired') === undefined ? undefined : 'expired'));
  });
  app.post('/sign-in', async (c) => {
    const answer = await context.services.accounts.signIn(c.get('form').get('number') ?? '');
    if (answer === 'busy') return refuse(c, context, 'busy');
    if (typeof answer === 'string') return show(c, context, (view) => signInPage(view, answer), 422);
    setSessionCookie(c, context.secure(c.req.url), answer.token);
    return c.redirect('/account', 303);
  });
}
