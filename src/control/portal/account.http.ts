// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Hono } from 'hono';
import { today } from '../../core/clock/clock.ts';
import { accountPage } from './account.page.ts';
import { downloadsPage } from './connect.page.ts';
import { freshCredentialsPage, rotatePage } from './credentials.page.ts';
import { type Carried, type House, show, type Visit } from './house.http.ts';
import { rememberedPage } from './privacy.page.ts';
import { type Session, sessionCookie, takeCookie } from './session.http.ts';

/** Answers for somebody who is signed in, and shows everybody else the way to sign in. */
export function forSession(
  house: House,
  answer: (c: Visit, session: Session) => Promise<Response> | Response,
): (c: Visit) => Promise<Response> {
  return async (c) => {
    const session = c.get('session');
    if (session !== undefined) return answer(c, session);
    const secure = house.secure(c.req.url);
    if (sessionCookie(c, secure) === undefined) return c.redirect('/sign-in', 303);
    takeCookie(c, secure);
    return c.redirect('/sign-in?expired', 303);
  };
}

/** The customer's own pages. */
export function accountRoutes(app: Hono<Carried>, house: House): void {
  const { accounts, credentials, devices, locations, remembered, seats } = house.services;
  app.get(
    '/account',
    forSession(house, async (c, { customer }) => {
      const now = {
        today: today(house.clock),
        used: seats.used(customer.licence.id),
        devices: (await devices.list(customer)).length,
      };
      return show(c, house, (view) => accountPage(view, customer, now));
    }),
  );
  app.get(
    '/account/remembered',
    forSession(house, async (c, { customer }) => {
      const rows = await remembered.of(customer);
      return show(c, house, (view) => rememberedPage(view, rows));
    }),
  );
  app.get(
    '/account/downloads',
    forSession(house, (c) => show(c, house, (view) => downloadsPage(view, locations.list()))),
  );
  app.get(
    '/account/credentials',
    forSession(house, (c, session) => show(c, house, (view) => rotatePage(view, session))),
  );
  app.post(
    '/account/credentials',
    forSession(house, async (c, session) => {
      const fresh = await credentials.rotate(session.customer);
      return show(c, house, (view) => freshCredentialsPage(view, session, fresh, locations.list()));
    }),
  );
  app.post(
    '/sign-out',
    forSession(house, async (c, { token }) => {
      await accounts.signOut(token);
      takeCookie(c, house.secure(c.req.url));
      return c.redirect('/', 303);
    }),
  );
}
