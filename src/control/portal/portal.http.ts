// SPDX-License-Identifier: AGPL-3.0-or-later
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { accountRoutes } from './account.http.ts';
import type { PortalServices } from './context.http.ts';
import { type PortalContext, type PortalEnv, type PortalSettings, refuse } from './context.http.ts';
import { deviceRoutes } from './devices.http.ts';
import { downloadRoutes } from './downloads.http.ts';
import { FORM_LIMIT, readForm, sameSite } from './form.http.ts';
import { hardenedPages, strictTransport } from './headers.http.ts';
import { publicRoutes } from './public.http.ts';
import { formTokenFits, formTokenOf, sessionCookie } from './session.http.ts';
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
  deviceRoutes(app, context);
  downloadRoutes(app, context);
  app.all('*', (c) => refuse(c, context, 'not_found'));
  app.onError((_error, c) => {
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

/** Every form comes from a page of ours and, after sign-in, from a page of that session. */
function checkForms(app: Hono<PortalEnv>, context: PortalContext): void {
  app.post(
    '*',
    bodyLimit({ maxSize: FORM_LIMIT, onError: (c) => refuse(c, context, 'too_large') }),
    async (c, next) => {
      if (!sameSite(c, context.publicOrigin)) return refuse(c, context, 'forged');
      const form = await readForm(c);
      if (form === 'malformed') return refuse(c, context, 'malformed_form');
      const session = c.get('session');
      if (session !== undefined && !OPEN.has(c.req.path) && !formTokenFits(session, form.get('token'))) {
        return refuse(c, context, 'forged');
      }
      c.set('form', form);
      return next();
    },
  );
}

/** Forms that may be sent before there is a session. */
const OPEN = new Set(['/sign-up', '/sign-in']);
