// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Context } from 'hono';
import type { Clock } from '../../core/clock/clock.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { Random } from '../../core/random/random.ts';
import type { AccountLimiter } from '../accounts/account-limiter.ts';
import type { Accounts } from '../accounts/account-service.ts';
import type { Credentials } from '../accounts/credential-service.ts';
import type { Devices } from '../accounts/device-service.ts';
import type { Remembered } from '../accounts/remembered.ts';
import type { Location } from '../fleet/location.ts';
import type { Locations } from '../fleet/signed-locations.ts';
import type { ProfileMaterial } from '../profiles/profile.ts';
import type { LiveSeats } from '../seats/seats.ts';
import { PROBLEM_STATUS } from '../surface/problems.ts';
import type { Assets } from './assets.os.ts';
import type { Facts } from './facts.ts';
import { frame, type Page, type View } from './frame.page.ts';
import type { PageProblem } from './problems.ts';
import { problemPage } from './public.page.ts';
import type { Session } from './session.http.ts';
import type { Texts } from './texts.ts';

/** What the pages work with. */
export interface PortalServices {
  readonly profile: ProfileMaterial;
  readonly accounts: Accounts;
  readonly credentials: Credentials;
  readonly devices: Devices;
  readonly seats: Pick<LiveSeats, 'used'>;
  readonly locations: Locations;
  /** Whether the gateway of this name has said that it is there, since control started. */
  readonly reported: (gateway: string) => boolean;
  readonly remembered: Remembered;
  /** For whatever a customer changes. */
  readonly changes: Pick<AccountLimiter, 'spend'>;
}

/** What the portal needs beside the services that it shows. */
export interface PortalSettings {
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  /**
   * `https://vpn.example`: the origin that browsers see. Needed behind a proxy that ends TLS; without it, the request's
   * own address counts.
   */
  readonly publicOrigin?: string | undefined;
  /** Where the source can be had, if not from here. */
  readonly sourceUrl?: string | undefined;
  /** What the start page says beside what is always true. */
  readonly facts?: Facts;
  /** Read beforehand by a program that gives up the right to read its own files. */
  readonly assets: Assets;
}

/** What one step of a request leaves to the next: Hono's variables. */
export interface PortalEnv {
  Variables: { session: Session | undefined; form: URLSearchParams; proof: string | undefined };
}

/** One request, with what earlier steps left. */
export type PortalRequest = Context<PortalEnv>;

/** Everything that the routes share. */
export interface PortalContext extends PortalSettings {
  readonly services: PortalServices;
  readonly texts: Texts;
  /** Whether the browser came over TLS. */
  readonly secure: (url: string) => boolean;
}

export function viewOf(context: PortalContext, c: PortalRequest): View {
  const { texts, services, assets } = context;
  return {
    texts,
    assets,
    service: services.profile.name,
    session: c.get('session'),
    proof: c.get('proof'),
    path: c.req.path,
    source: context.sourceUrl ?? assets.source?.path,
  };
}

export type Status = 200 | 400 | 403 | 404 | 409 | 413 | 422 | 429 | 500 | 503;

export async function show(
  c: PortalRequest,
  context: PortalContext,
  draw: (view: View) => Page,
  status: Status = 200,
): Promise<Response> {
  const view = viewOf(context, c);
  return c.html(await frame(view, draw(view)), status);
}

/** What customers are offered: gateways that have never been heard of are left out. Files for them can be had by address. */
export function offered({ services }: PortalContext): readonly Location[] {
  return services.locations.list().flatMap((location) => {
    const gateways = location.gateways.filter(({ name }) => services.reported(name));
    return gateways.length > 0 ? [{ ...location, gateways }] : [];
  });
}

/** Seconds until it is worth asking again. */
const RETRY_AFTER: Partial<Record<PageProblem, string>> = { busy: '60', unavailable: '10', full: '3600' };

export async function refuse(c: PortalRequest, context: PortalContext, code: PageProblem): Promise<Response> {
  const wait = RETRY_AFTER[code];
  if (wait !== undefined) c.header('retry-after', wait);
  return show(c, context, (view) => problemPage(view, code), PROBLEM_STATUS[code]);
}
