// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Context } from 'hono';

/** The largest of our forms is far below this. */
export const FORM_LIMIT = 16_384;

/**
 * Whether a form was sent by a page of ours. Browsers say so in Sec-Fetch-Site (Fetch Metadata, section 2.3); older
 * ones name the origin. A client that sends neither is no browser, and no other site can have made it send anything.
 */
export function sameSite(c: Context, publicOrigin: string | undefined): boolean {
  const site = c.req.header('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const origin = c.req.header('origin');
  if (origin === undefined) return true;
  if (publicOrigin !== undefined) return origin === publicOrigin;
  return origin === new URL(c.req.url).origin;
}

/** Reads an URL-encoded form. Hostile input: any body. A body that is empty is a form without fields. */
export async function readForm(c: Context): Promise<URLSearchParams | 'malformed'> {
  const body = await c.req.text();
  const type = c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (body !== '' && type !== 'application/x-www-form-urlencoded') return 'malformed';
  return new URLSearchParams(body);
}
