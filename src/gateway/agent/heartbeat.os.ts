// SPDX-License-Identifier: AGPL-3.0-or-later
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { parseAddress } from '../../bytes/text/address.ts';
import type { InnerAddresses } from '../../core/sessions/inner.ts';
import type { SessionId } from '../../core/sessions/session.ts';

/** Why a gateway cannot start, as a word for the journal. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** A request that is not one short header block is none of ours. */
const LIMITS = {
  maxHeaderSize: 2048,
  headersTimeout: 5000,
  requestTimeout: 5000,
  connectionsCheckingInterval: 1000,
  keepAlive: false,
} as const;
/** One device beats once a minute or so; who holds more connections than this takes them from itself alone. */
export const MOST_PER_ADDRESS = 4;
/** Of all customers together: so many that it takes a thousand sessions to use them up. */
export const MOST_CONNECTIONS = 4096;

const text = new Uint8Array(64);
const address = new Uint8Array(16);

export interface HeartbeatParts {
  readonly inner: InnerAddresses;
  readonly beat: (session: SessionId) => boolean;
}

/**
 * Where apps beat: `POST /v1/heartbeat` to an address that exists only inside the tunnels. Nothing in the request
 * says whose beat it is; the inner address does, which this gateway gave out and which ends with the session. The
 * runtime hands it over as text. That is why this server must never be bound to an address outside the tunnels, and
 * why it runs behind Node's own HTTP parser: a parser of our own for hostile text would guard nothing worth more.
 *
 * 204: the seat is kept for five minutes more. 404: no session holds a seat at this address. `GET /` answers people.
 */
export async function openHeartbeats(
  parts: HeartbeatParts,
  place: { readonly address: string; readonly port: number },
): Promise<Server> {
  const server = createServer(LIMITS, (request, response) => answer(parts, request, response));
  server.maxConnections = MOST_CONNECTIONS;
  limitPerAddress(server);
  server.on('clientError', (_error, socket) => socket.destroy());
  server.listen(place.port, place.address);
  try {
    await once(server, 'listening');
  } catch {
    throw new StartError('heartbeat_address_taken');
  }
  return server;
}

/** Counts the connections of each inner address while it has any. */
function limitPerAddress(server: Server): void {
  const open = new Map<string, number>();
  server.on('connection', (socket) => {
    const peer = String(socket.remoteAddress);
    const others = open.get(peer) ?? 0;
    if (others >= MOST_PER_ADDRESS) {
      socket.destroy();
      return;
    }
    open.set(peer, others + 1);
    socket.once('close', () => {
      const left = (open.get(peer) ?? 1) - 1;
      if (left > 0) open.set(peer, left);
      else open.delete(peer);
    });
  });
}

function answer({ inner, beat }: HeartbeatParts, request: IncomingMessage, response: ServerResponse): void {
  response.shouldKeepAlive = false;
  response.sendDate = false;
  request.resume();
  if (request.url === '/') return tell(request, response);
  if (request.url !== '/v1/heartbeat') return end(response, 404);
  if (request.method !== 'POST') return end(response.setHeader('allow', 'POST'), 405);
  const session = sessionOf(inner, String(request.socket.remoteAddress));
  end(response, session !== undefined && beat(session) ? 204 : 404);
}

/** For people, who want to know whether their device is connected. Declared as `api.connected`. */
const CONNECTED = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Connected</title>
<h1>This device is connected</h1>
<p>This page exists only inside the tunnel, and your device has reached it. Nothing about it is kept.</p>
`;
const PAGE = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': "default-src 'none'",
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
} as const;

/** To have come here is enough: a WireGuard session may be known only seconds later. It takes no seat and keeps none. */
function tell(request: IncomingMessage, response: ServerResponse): void {
  if (request.method !== 'GET') return end(response.setHeader('allow', 'GET'), 405);
  response.writeHead(200, PAGE).end(CONNECTED);
}

function end(response: ServerResponse, status: number): void {
  response.writeHead(status).end();
}

function sessionOf(inner: InnerAddresses, peer: string): SessionId | undefined {
  const { written } = new TextEncoder().encodeInto(peer, text);
  try {
    const length = parseAddress(text, 0, written, address);
    return length === 0 ? undefined : inner.sessionAt(address, 0, length);
  } finally {
    text.fill(0);
    address.fill(0);
  }
}
