// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Context } from 'hono';

/** The largest of our forms is far below this. */
export const FORM_LIMIT = 16_384;

/** Who sent a form: a page of ours, another site, or one of which the browser says nothing. */
export type Sender = 'ours' | 'foreign' | 'untold';

/**
 * Browsers say who sent a form in Sec-Fetch-Site (Fetch Metadata, section 2.3), to secure origins alone. Others, and all
 * of them over plain HTTP, name the origin; one that is told to hide it says `null`. A client that sends neither is no
 * browser, and no other site can have made it send anything.
 */
export function senderOf(c: Context, publicOrigin: string | undefined): Sender {
  const site = c.req.header('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin' || site === 'none' ? 'ours' : 'foreign';
  const origin = c.req.header('origin');
  if (origin === 'null') return 'untold';
  return origin === undefined || origin === (publicOrigin ?? new URL(c.req.url).origin) ? 'ours' : 'foreign';
}

/** Reads an URL-encoded form. Hostile input: any body. A body that is empty is a form without fields. */
export async function readForm(c: Context): Promise<URLSearchParams | 'malformed'> {
  const body = await c.req.text();
  const type = c.req.header('content-type')?.split(';', 1)[0]?.trim().toLowerCase();
  if (body !== '' && type !== 'application/x-www-form-urlencoded') return 'malformed';
  return new URLSearchParams(body);
}
