// SPDX-License-Identifier: AGPL-3.0-or-later
import { Hono } from 'hono';
import { databaseIsAway } from '../database/unavailable.ts';
import { accountRoutes } from './account.http.ts';
import { checkForms } from './checked-forms.http.ts';
import type { PortalServices } from './context.http.ts';
import { type PortalContext, type PortalEnv, type PortalSettings, refuse } from './context.http.ts';
import { deviceRoutes } from './devices.http.ts';
import { downloadRoutes } from './downloads.http.ts';
import { hardenedPages, strictTransport } from './headers.http.ts';
import { manageRoutes } from './manage.http.ts';
import { publicRoutes } from './public.http.ts';
import { formTokenOf, sessionCookie } from './session.http.ts';
import { ENGLISH } from './texts.ts';

/**
 * The customers' pages. They never ask who is on the other end of the connection. Mount it last: whatever no handler
 * answered before gets its page for a missing address.
 */
export function portal(services: PortalServices, settings: PortalSettings): Hono<PortalEnv> {
  const given = settings.publicOrigin;
  const publicOrigin = given === undefined ? undefined : new URL(given).origin;
  const context: PortalContext = {
    ...settings,
    publicOrigin,
    services,
    texts: ENGLISH,
    secure: (url) => (publicOrigin ?? url).startsWith('https:'),
  };
  const app = new Hono<PortalEnv>();
  app.use(hardenedPages, strictTransport(context.secure));
  assetRoutes(app, context);
  rememberSession(app, context);
  checkForms(app, context);
  publicRoutes(app, context);
  accountRoutes(app, context);
  manageRoutes(app, context);
  deviceRoutes(app, context);
  downloadRoutes(app, context);
  app.all('*', (c) => refuse(c, context, 'not_found'));
  app.onError((error, c) => {
    if (databaseIsAway(error)) return refuse(c, context, 'unavailable');
    context.journal.say({ code: 'failed', program: 'control', failure: 'portal' });
    return refuse(c, context, 'failed');
  });
  return app;
}

/** Their names change with their content, so they may be kept for a year. */
function assetRoutes(app: Hono<PortalEnv>, { assets }: PortalContext): void {
  for (const { path, contentType, content } of assets.byPath.values()) {
    app.get(path, (c) =>
      c.body(content, 200, { 'content-type': contentType, 'cache-control': 'public, max-age=31536000, immutable' }),
    );
  }
}

function rememberSession(app: Hono<PortalEnv>, context: PortalContext): void {
  app.use(async (c, next) => {
    const token = sessionCookie(c, context.secure(c.req.url));
    const customer = token === undefined ? undefined : await context.services.accounts.customerOf(token);
    if (token !== undefined && customer !== undefined) {
      c.set('session', { token, customer, formToken: formTokenOf(token) });
    }
    await next();
  });
}
