// SPDX-License-Identifier: AGPL-3.0-or-later
import type { MiddlewareHandler } from 'hono';

/**
 * No other site may frame an answer, load it, guess its type, or learn where its reader came from. Our own pages may:
 * with `no-referrer`, browsers would say `Origin: null` for our own forms as well.
 */
const HEADERS = {
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** The headers of an answer that has the content security policy of a surface, and is not kept by the browser. */
export function headersOf(policy: string): Readonly<Record<string, string>> {
  return { ...HEADERS, 'content-security-policy': policy, 'cache-control': 'no-store' };
}

/**
 * Sets the headers of every answer: the content security policy of a surface, what is the same for all surfaces, and
 * what else one wants. An answer that does not say otherwise is not kept by the browser.
 */
export function hardened(policy: string, more: Readonly<Record<string, string>> = {}): MiddlewareHandler {
  const headers = Object.entries({ ...HEADERS, 'content-security-policy': policy, ...more });
  return async (context, next) => {
    await next();
    for (const [name, value] of headers) context.header(name, value);
    if (!context.res.headers.has('cache-control')) context.header('cache-control', 'no-store');
  };
}
