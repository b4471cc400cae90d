// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import {
  FLEET_DOCUMENTS,
  FLEET_PATHS,
  fleetTokenOf,
  LONGEST_MESSAGE,
  SIGNATURE_HEADER,
  waitOf,
} from '../../contracts/fleet/endpoints.ts';
import { BEATS, type Ends, parseFleetBody, STATUS, USAGE_BATCH } from '../../contracts/fleet/messages.ts';
import type { GatewayPlan } from '../../contracts/plan/plan.ts';
import { assertDeclared } from '../../core/inventory/guard.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { LiveSeats } from '../seats/seats.ts';
import type { UsageIngest } from '../usage/ingest.ts';
import type { ExpectedConfiguration } from './expected.ts';
import type { AuthFilePublisher } from './publisher.ts';
import { type FleetGateway, gatewayOf } from './registry.ts';
import type { GatewayStatuses } from './statuses.ts';

export interface FleetServices {
  readonly journal: Journal;
  readonly fleet: readonly FleetGateway[];
  readonly authfile: Pick<AuthFilePublisher, 'current' | 'otherThan'>;
  readonly expected: ReadonlyMap<string, ExpectedConfiguration>;
  readonly seats: LiveSeats;
  readonly usage: Pick<UsageIngest, 'take'>;
  /** Keeps what gateways say about themselves, in memory. */
  readonly statuses: GatewayStatuses;
}

/** What a request is known to be of: Hono's variables. */
interface FleetEnv {
  Variables: { plan: GatewayPlan };
}

/**
 * What gateways ask and tell. Gateways are known but not trusted: a taken one may send
 * anything, so each message must be exactly what the inventory lets leave a gateway.
 */
export function fleetApi(services: FleetServices): Hono<FleetEnv> {
  const app = new Hono<FleetEnv>();
  app.onError(() => {
    services.journal.say({ code: 'failed', program: 'control', failure: 'fleet' });
    return refusal(500);
  });
  app.notFound(() => refusal(404));
  const limited = bodyLimit({ maxSize: LONGEST_MESSAGE, onError: () => refusal(413) });
  const serve = (method: 'GET' | 'POST', path: string, handle: Handler): void => {
    app.on(method, path, knownOnly(services.fleet), limited, (context) =>
      handle(services, context.get('plan'), context),
    );
  };
  serve('GET', FLEET_DOCUMENTS.authfile, giveAuthFile);
  serve('GET', FLEET_DOCUMENTS.expected, giveExpected);
  serve('POST', FLEET_PATHS.beats, takeBeats);
  serve('POST', FLEET_PATHS.usage, takeUsage);
  serve('POST', FLEET_PATHS.status, takeStatus);
  return app;
}

/** Of a stranger nothing but the headers is read. */
function knownOnly(fleet: readonly FleetGateway[]): MiddlewareHandler<FleetEnv> {
  return async (context, next) => {
    const token = fleetTokenOf(context.req.header('authorization'));
    const gateway = token === undefined ? undefined : gatewayOf(fleet, token);
    if (gateway === undefined) return refusal(401, { connection: 'close' });
    context.set('plan', gateway.plan);
    return next();
  };
}

type Handler = (services: FleetServices, plan: GatewayPlan, context: Context) => Promise<Response>;

const giveAuthFile: Handler = async ({ authfile }, plan, context) => {
  const wait = waitOf(context.req.header('prefer'));
  const known = /^"(\d{1,16})"$/.exec(context.req.header('if-none-match') ?? '')?.[1];
  if (wait > 0 && known !== undefined) await authfile.otherThan(Number(known), plan.gateway, wait * 1000);
  const published = authfile.current;
  if (published === undefined) return refusal(503);
  return unlessKnown(context, published.version, () => ({
    body: published.bytes,
    headers: { 'content-type': 'application/octet-stream' },
  }));
};

const giveExpected: Handler = async ({ expected }, { gateway }, context) => {
  const document = expected.get(gateway);
  if (document === undefined) return refusal(503);
  return unlessKnown(context, document.serial, () => ({
    body: document.body,
    headers: { 'content-type': 'application/json', [SIGNATURE_HEADER]: document.signature },
  }));
};

const takeBeats: Handler = async ({ seats }, { gateway }, context) => {
  const message = parseFleetBody(BEATS, await bodyOf(context));
  if (message === undefined) return refusal(400);
  const answer: Ends = { end: seats.beat(gateway, message.beats) };
  for (const session of answer.end) assertDeclared('api.end', { session });
  return Response.json(answer);
};

const takeUsage: Handler = async ({ usage }, plan, context) => {
  const batch = parseFleetBody(USAGE_BATCH, await bodyOf(context));
  if (batch === undefined) return refusal(400);
  await usage.take(plan, batch);
  return new Response(null, { status: 204 });
};

const takeStatus: Handler = async ({ statuses }, { gateway }, context) => {
  const status = parseFleetBody(STATUS, await bodyOf(context));
  if (status?.gateway !== gateway) return refusal(400);
  assertDeclared('live.gateways', { ...status });
  statuses.set(gateway, status);
  return new Response(null, { status: 204 });
};

function unlessKnown(
  context: Context,
  version: number,
  give: () => { readonly body: Uint8Array | string; readonly headers: Readonly<Record<string, string>> },
): Response {
  const etag = `"${version}"`;
  if (context.req.header('if-none-match') === etag) return new Response(null, { status: 304, headers: { etag } });
  const { body, headers } = give();
  return new Response(body as Uint8Array<ArrayBuffer> | string, {
    headers: { ...headers, etag, 'cache-control': 'no-store' },
  });
}

function refusal(status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status, headers });
}

async function bodyOf(context: Context): Promise<Uint8Array> {
  return new Uint8Array(await context.req.arrayBuffer());
}
