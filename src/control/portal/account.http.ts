// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Hono } from 'hono';
import { today } from '../../core/clock/clock.ts';
import { accountPage } from './account.page.ts';
import { offered, type PortalContext, type PortalEnv, type PortalRequest, refuse, show } from './context.http.ts';
import { freshCredentialsPage, rotatePage } from './credentials.page.ts';
import { downloadsPage } from './downloads.page.ts';
import { handOut } from './handout.http.ts';
import { chosenOf } from './places.page.ts';
import { rememberedPage } from './remembered.page.ts';
import { deleteSessionCookie, type Session, sessionCookie } from './session.http.ts';

/** Answers for a customer who is signed in, and shows everybody else the way to sign in. */
export function forSession(
  context: PortalContext,
  answer: (c: PortalRequest, session: Session) => Promise<Response> | Response,
): (c: PortalRequest) => Promise<Response> {
  return async (c) => {
    const session = c.get('session');
    if (session !== undefined) return answer(c, session);
    const secure = context.secure(c.req.url);
    if (sessionCookie(c, secure) === undefined) return c.redirect('/sign-in', 303);
    deleteSessionCookie(c, secure);
    return c.redirect('/sign-in?expired', 303);
  };
}

/** The customer's own pages. */
export function accountRoutes(app: Hono<PortalEnv>, context: PortalContext): void {
  const { changes, accounts, credentials, devices, remembered, seats } = context.services;
  const credentialsForm = async (c: PortalRequest, session: Session, stale = false) => {
    const present = await credentials.present(session.customer);
    const once = await credentials.form(session.customer);
    return show(c, context, (view) => rotatePage(view, session, { present, once, stale }), stale ? 422 : 200);
  };
  app.get(
    '/account',
    forSession(context, async (c, { customer }) => {
      const now = {
        contact: context.facts?.contact,
        today: today(context.clock),
        used: seats.used(customer.licence.id),
        devices: (await devices.list(customer)).length,
        credentials: await credentials.present(customer),
      };
      return show(c, context, (view) => accountPage(view, customer, now));
    }),
  );
  app.get(
    '/account/remembered',
    forSession(context, async (c, { customer }) => {
      const from = c.req.query('from');
      const page = await remembered.of(customer, { cursor: from ?? '0.0' });
      return show(c, context, (view) => rememberedPage(view, page, from));
    }),
  );
  app.get(
    '/account/remembered.json',
    forSession(context, async (c, { customer }) => {
      const page = await remembered.of(customer, { cursor: c.req.query('from') ?? '0.0' });
      const content = `${JSON.stringify(page, undefined, 2)}\n`;
      return handOut(c, { fileName: 'remembered.json', contentType: 'application/json', content });
    }),
  );
  app.get(
    '/account/downloads/:location?',
    forSession(context, (c) => {
      const locations = offered(context);
      const wanted = c.req.param('location');
      const chosen = chosenOf(locations, wanted);
      if (wanted !== undefined && chosen?.id !== wanted) return refuse(c, context, 'not_found');
      return show(c, context, (view) => downloadsPage(view, locations, chosen));
    }),
  );
  app.get(
    '/account/credentials',
    forSession(context, (c, session) => credentialsForm(c, session)),
  );
  app.post(
    '/account/credentials',
    forSession(context, async (c, session) => {
      if (!changes.spend(session.customer.account)) return refuse(c, context, 'busy');
      const once = c.get('form').get('once');
      const fresh = await (once === null
        ? credentials.rotate(session.customer)
        : credentials.rotateOnce(session.customer, once));
      if (fresh === 'stale') return credentialsForm(c, session, true);
      return show(c, context, (view) => freshCredentialsPage(view, session, fresh, offered(context)));
    }),
  );
  app.post(
    '/account/kept',
    forSession(context, (c) => c.redirect('/account', 303)),
  );
  app.post(
    '/sign-out',
    forSession(context, async (c, { token }) => {
      await accounts.signOut(token);
      deleteSessionCookie(c, context.secure(c.req.url));
      return c.redirect('/', 303);
    }),
  );
}
