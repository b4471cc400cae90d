// SPDX-License-Identifier: AGPL-3.0-or-later
import type { MiddlewareHandler } from 'hono';
import { hardened } from '../surface/headers.http.ts';

/** Nothing but our own style, script, mark and forms; no frames, no third party, nothing inline. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const MORE = {
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
} as const;

/** The headers of every page and file of the portal. */
export const hardenedPages = hardened(POLICY, MORE);

/** Tells a browser that came over TLS to come so for two years. */
export function strictTransport(secure: (url: string) => boolean): MiddlewareHandler {
  return async (c, next) => {
    await next();
    if (secure(c.req.url)) c.header('strict-transport-security', 'max-age=63072000');
  };
}
