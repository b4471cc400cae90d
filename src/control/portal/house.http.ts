// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Context } from 'hono';
import type { Clock } from '../../core/clock/clock.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { PortalServices } from '../program/services.ts';
import type { Assets } from './assets.os.ts';
import { frame, type Page, type View } from './frame.page.ts';
import { PROBLEM_STATUS, type ProblemCode } from './problems.ts';
import { problemPage } from './public.page.ts';
import type { Session } from './session.http.ts';
import type { Texts } from './texts.ts';

/** Where the portal stands, beside the services that it shows. */
export interface Surroundings {
  readonly clock: Clock;
  readonly journal: Journal;
  /**
   * `https://vpn.example`: the origin that browsers see. Needed behind a proxy that ends TLS; without it, the request's
   * own address counts.
   */
  readonly publicOrigin?: string | undefined;
  /** Read beforehand by a program that gives up the right to read its own files. */
  readonly assets: Assets;
}

/** What one request carries from one step to the next. */
export interface Carried {
  Variables: { session: Session | undefined; form: URLSearchParams };
}

export type Visit = Context<Carried>;

/** Everything that the routes share. */
export interface House extends Surroundings {
  readonly services: PortalServices;
  readonly texts: Texts;
  /** Whether the browser came over TLS. */
  readonly secure: (url: string) => boolean;
}

export function viewOf(house: House, session: Session | undefined): View {
  return { texts: house.texts, service: house.services.profile.name, assets: house.assets, session };
}

export type Status = 200 | 400 | 403 | 404 | 413 | 422 | 429 | 500;

export async function show(
  c: Visit,
  house: House,
  draw: (view: View) => Page,
  status: Status = 200,
): Promise<Response> {
  const view = viewOf(house, c.get('session'));
  return c.html(await frame(view, draw(view)), status);
}

/** Seconds until it is worth asking again. */
const PATIENCE = '60';

export async function refuse(c: Visit, house: House, code: ProblemCode): Promise<Response> {
  if (code === 'busy') c.header('retry-after', PATIENCE);
  return show(c, house, (view) => problemPage(view, code), PROBLEM_STATUS[code]);
}
