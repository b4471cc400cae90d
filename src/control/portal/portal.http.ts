// SPDX-License-Identifier: AGPL-3.0-or-later
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';

import type { PortalServices } from '../program/services.ts';
import { accountRoutes } from './account.http.ts';
import { deviceRoutes } from './devices.http.ts';
import { downloadRoutes } from './downloads.http.ts';
import { FORM_LIMIT, readForm, sameSite } from './form.http.ts';
import { hardened } from './headers.http.ts';
import { type Carried, type House, refuse, type Surroundings } from './house.http.ts';
import { publicRoutes } from './public.http.ts';
import { formTokenFits, formTokenOf, sessionCookie } from './session.http.ts';
import { ENGLISH } from './texts.ts';

/**
 * The customers' pages. They never ask who is on the other end of the connection. Mount it last: whatever nobody
 * answered before gets its page for a missing address.
 */
export function portal(services: PortalServices, surroundings: Surroundings): Hono<Carried> {
  const given = surroundings.publicOrigin;
  const publicOrigin = given === undefined ? undefined : new URL(given).origin;
  const house: House = {
    ...surroundings,
    publicOrigin,
    services,
    texts: ENGLISH,
    secure: (url) => (publicOrigin ?? url).startsWith('https:'),
  };
  const app = new Hono<Carried>();
  app.use(hardened(house.secure));
  assetRoutes(app, house);
  rememberSession(app, house);
  checkForms(app, house);
  publicRoutes(app, house);
  accountRoutes(app, house);
  deviceRoutes(app, house);
  downloadRoutes(app, house);
  app.all('*', (c) => refuse(c, house, 'absent'));
  app.onError((_error, c) => {
    house.journal.say({ code: 'failed', program: 'control', failure: 'portal' });
    return refuse(c, house, 'failed');
  });
  return app;
}

/** Their names change with their content, so they may be kept for a year. */
function assetRoutes(app: Hono<Carried>, { assets }: House): void {
  for (const { path, contentType, content } of assets.byPath.values()) {
    app.get(path, (c) =>
      c.body(content, 200, { 'content-type': contentType, 'cache-control': 'public, max-age=31536000, immutable' }),
    );
  }
}

function rememberSession(app: Hono<Carried>, house: House): void {
  app.use(async (c, next) => {
    const token = sessionCookie(c, house.secure(c.req.url));
    const customer = token === undefined ? undefined : await house.services.accounts.customerOf(token);
    if (token !== undefined && customer !== undefined) {
      c.set('session', { token, customer, formToken: formTokenOf(token) });
    }
    await next();
  });
}

/** Every form comes from a page of ours and, where somebody is signed in, from a page of that session. */
function checkForms(app: Hono<Carried>, house: House): void {
  app.post('*', bodyLimit({ maxSize: FORM_LIMIT, onError: (c) => refuse(c, house, 'large') }), async (c, next) => {
    if (!sameSite(c, house.publicOrigin)) return refuse(c, house, 'forged');
    const form = await readForm(c);
    if (form === 'malformed') return refuse(c, house, 'malformed');
    const session = c.get('session');
    if (session !== undefined && !OPEN.has(c.req.path) && !formTokenFits(session, form.get('token'))) {
      return refuse(c, house, 'forged');
    }
    c.set('form', form);
    return next();
  });
}

/** Forms that somebody may send before there is a session. */
const OPEN = new Set(['/sign-up', '/sign-in']);
