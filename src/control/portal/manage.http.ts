// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Hono } from 'hono';
import { PROBLEM_STATUS } from '../surface/problems.ts';
import { forSession } from './account.http.ts';
import { type PortalContext, type PortalEnv, type PortalRequest, refuse, show } from './context.http.ts';
import { handOut } from './handout.http.ts';
import { closedPage, closePage, freshNumberPage, managePage, numberPage } from './manage.page.ts';
import { deleteSessionCookie, type Session } from './session.http.ts';
import { numberFile } from './welcome.page.ts';

/** What a customer does after a number leaked, or to leave. */
export function manageRoutes(app: Hono<PortalEnv>, context: PortalContext): void {
  const { accounts, changes } = context.services;
  app.get(
    '/account/manage',
    forSession(context, (c, session) =>
      show(c, context, (view) => managePage(view, session, c.req.query('ended') !== undefined)),
    ),
  );
  app.post(
    '/account/manage/others',
    forSession(context, async (c, { customer, token }) => {
      await accounts.signOutOthers(customer, token);
      return c.redirect('/account/manage?ended', 303);
    }),
  );
  const ask = async (c: PortalRequest, session: Session, stale: boolean) => {
    const once = await accounts.numberForm(session.customer);
    const status = stale ? PROBLEM_STATUS.invalid : 200;
    return show(c, context, (view) => numberPage(view, session, once, stale), status);
  };
  app.get(
    '/account/manage/number',
    forSession(context, (c, session) => ask(c, session, false)),
  );
  app.post(
    '/account/manage/number',
    forSession(context, async (c, session) => {
      const { customer, token } = session;
      if (!changes.spend(customer.account)) return refuse(c, context, 'busy');
      const once = c.get('form').get('once') ?? '';
      const number = await accounts.changeNumberOnce(customer, token, once);
      if (number === 'stale') return ask(c, session, true);
      return show(c, context, (view) => freshNumberPage(view, session, number, once));
    }),
  );
  app.post(
    '/account/manage/number/file',
    forSession(context, (c, session) => {
      const number = accounts.numberOf(c.get('form').get('once') ?? '', session.customer);
      if (number === undefined) return ask(c, session, true);
      const origin = context.publicOrigin ?? new URL(c.req.url).origin;
      return handOut(c, numberFile(context.texts, context.services.profile.name, number, origin));
    }),
  );
  app.get(
    '/account/manage/close',
    forSession(context, (c, session) => show(c, context, (view) => closePage(view, session))),
  );
  app.post(
    '/account/manage/close',
    forSession(context, async (c, { customer }) => {
      await accounts.close(customer);
      deleteSessionCookie(c, context.secure(c.req.url));
      c.set('session', undefined);
      return show(c, context, closedPage);
    }),
  );
}
