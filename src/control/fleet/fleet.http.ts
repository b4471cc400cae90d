// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { type Clock, today } from '../../core/clock/clock.ts';
import { assertDeclared, isDeclared } from '../../core/inventory/guard.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { Database } from '../database/tables.ts';
import type { Beat, LiveSeats } from '../seats/seats.ts';
import { parseBatch } from '../usage/ingest.ts';
import { storeBatch } from '../usage/usage.store.ts';
import type { ExpectedConfiguration } from './expected.ts';
import type { PublishedAuthFile } from './publisher.ts';
import { type FleetGateway, gatewayOf } from './registry.ts';

/** What a gateway last said about itself. */
export interface GatewayStatus {
  readonly gateway: string;
  readonly configuration: 'in_force' | 'drifted';
  /** Version of the auth file in force, 0 without one. */
  readonly authfile: number;
  readonly release: string;
}

export interface FleetServices {
  readonly db: Database;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly fleet: readonly FleetGateway[];
  readonly authfile: () => PublishedAuthFile | undefined;
  readonly expected: ReadonlyMap<string, ExpectedConfiguration>;
  readonly seats: LiveSeats;
  /** Keeps what gateways say about themselves, in memory. */
  readonly statuses: Map<string, GatewayStatus>;
}

/** 8 MiB: the beats of a hundred thousand sessions. Only gateways get this far. */
const MOST_BODY = 8 * 1024 * 1024;
const MOST_BEATS = 100_000;

/**
 * What gateways ask and tell. Gateways are known but not trusted: a taken one may send
 * anything, so each message must be exactly what the inventory lets leave a gateway.
 */
export function fleetApi(services: FleetServices): Hono {
  const app = new Hono();
  app.onError(() => {
    services.journal.say({ code: 'failed', program: 'control', failure: 'fleet' });
    return refusal(500);
  });
  app.notFound(() => refusal(404));
  const serve = (method: 'GET' | 'POST', path: string, handle: Handler): void => {
    app.on(method, path, bodyLimit({ maxSize: MOST_BODY, onError: () => refusal(413) }), async (context) => {
      const token = /^Bearer ([0-9A-Za-z_+/=-]{32,128})$/i.exec(context.req.header('authorization') ?? '')?.[1];
      const gateway = token === undefined ? undefined : gatewayOf(services.fleet, token);
      return gateway === undefined ? refusal(401) : handle(services, gateway.plan.gateway, context);
    });
  };
  serve('GET', '/fleet/v1/authfile', giveAuthFile);
  serve('GET', '/fleet/v1/expected', giveExpected);
  serve('POST', '/fleet/v1/beats', takeBeats);
  serve('POST', '/fleet/v1/usage', takeUsage);
  serve('POST', '/fleet/v1/status', takeStatus);
  return app;
}

type Handler = (services: FleetServices, gateway: string, context: Context) => Promise<Response>;

const giveAuthFile: Handler = async ({ authfile }, _gateway, context) => {
  const published = authfile();
  if (published === undefined) return refusal(503);
  return unlessKnown(context, published.version, () => ({
    body: published.bytes,
    headers: { 'content-type': 'application/octet-stream' },
  }));
};

const giveExpected: Handler = async ({ expected }, gateway, context) => {
  const document = expected.get(gateway);
  if (document === undefined) return refusal(503);
  return unlessKnown(context, document.serial, () => ({
    body: document.body,
    headers: { 'content-type': 'application/json', 'lethe-signature': document.signature },
  }));
};

const takeBeats: Handler = async ({ seats }, gateway, context) => {
  const beats = parseBeats(await json(context));
  if (beats === undefined) return refusal(400);
  const end = seats.beat(gateway, beats);
  for (const session of end) assertDeclared('api.end', { session });
  return Response.json({ end });
};

const takeUsage: Handler = async ({ db, clock }, _gateway, context) => {
  const batch = parseBatch(await json(context));
  if (batch === undefined) return refusal(400);
  await storeBatch(db, batch.batch, today(clock), batch.events);
  return new Response(null, { status: 204 });
};

const takeStatus: Handler = async ({ statuses }, gateway, context) => {
  const status = parseStatus(await json(context));
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

function refusal(status: number): Response {
  return new Response(null, { status });
}

async function json(context: Context): Promise<unknown> {
  const text = await context.req.text();
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseBeats(value: unknown): Beat[] | undefined {
  const { beats, ...rest } = (value ?? {}) as { readonly beats?: unknown };
  if (Object.keys(rest).length > 0 || !Array.isArray(beats) || beats.length > MOST_BEATS) return undefined;
  return beats.some((beat) => !isDeclared('exit.beat', beat)) ? undefined : (beats as Beat[]);
}

function parseStatus(value: unknown): GatewayStatus | undefined {
  if (!isDeclared('exit.status', value)) return undefined;
  const known = value.configuration === 'in_force' || value.configuration === 'drifted';
  return known ? (value as unknown as GatewayStatus) : undefined;
}
