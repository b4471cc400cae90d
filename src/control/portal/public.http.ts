// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Hono } from 'hono';
import { INVENTORY } from '../../core/inventory/inventory.ts';
import { connectPage } from './connect.page.ts';
import { welcomePage } from './credentials.page.ts';
import { type Carried, type House, refuse, show } from './house.http.ts';
import { SYSTEMS } from './howtos.ts';
import { privacyPage } from './privacy.page.ts';
import { homePage, signInPage, signUpPage } from './public.page.ts';
import { formTokenOf, giveCookie } from './session.http.ts';

/** Pages that anybody may see, and the two forms that begin a session. */
export function publicRoutes(app: Hono<Carried>, house: House): void {
  app.get('/', (c) => show(c, house, homePage));
  app.get('/privacy', (c) => show(c, house, (view) => privacyPage(view, INVENTORY)));
  for (const system of SYSTEMS) {
    app.get(`/connect/${system}`, (c) =>
      show(c, house, (view) => connectPage(view, system, house.services.profile, house.services.locations.list())),
    );
  }
  app.get('/sign-up', (c) => show(c, house, signUpPage));
  signUp(app, house);
  signIn(app, house);
}

/** Answers with the page itself: the number is shown once, so there is nothing to redirect to. */
function signUp(app: Hono<Carried>, house: House): void {
  const { accounts, locations } = house.services;
  app.post('/sign-up', async (c) => {
    const made = await accounts.signUp();
    if (made === 'busy') return refuse(c, house, 'busy');
    const { token } = made.signIn;
    const customer = await accounts.customerOf(token);
    if (customer === undefined) throw new Error('a new sign-in is not known');
    const session = { token, customer, formToken: formTokenOf(token) };
    giveCookie(c, house.secure(c.req.url), token);
    c.set('session', session);
    return show(c, house, (view) => welcomePage(view, session, made, locations.list()));
  });
}

function signIn(app: Hono<Carried>, house: House): void {
  app.get('/sign-in', async (c) => {
    if (c.get('session') !== undefined) return c.redirect('/account', 303);
    return show(c, house, (view) => signInPage(view, c.req.query('expired') === undefined ? undefined : 'expired'));
  });
  app.post('/sign-in', async (c) => {
    const answer = await house.services.accounts.signIn(c.get('form').get('number') ?? '');
    if (answer === 'busy') return refuse(c, house, 'busy');
    if (typeof answer === 'string') return show(c, house, (view) => signInPage(view, answer), 422);
    giveCookie(c, house.secure(c.req.url), answer.token);
    return c.redirect('/account', 303);
  });
}
