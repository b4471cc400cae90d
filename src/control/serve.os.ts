// SPDX-License-Identifier: AGPL-3.0-or-later
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Fetch } from './control.ts';

export interface Listen {
  readonly address: string;
  readonly port: number;
}

export interface Listening {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  /** Ends the connections and resolves when the port is free. */
  close(): Promise<void>;
}

/** A port cannot be taken. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** Longest time for the whole of a request, and for its headers, in milliseconds. */
const LIMITS = { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 5000 } as const;

/** Serves over plain HTTP. Only the request is passed on; the connection stays here. */
export async function serveHttp(listen: Listen, fetch: Fetch): Promise<Listening> {
  const server = createServer(LIMITS, listenerOf(fetch));
  return listening(server, listen, 'http', () => server.closeAllConnections());
}

/** For gateways. No message that one sends about its sessions is answered with the time at which it came. */
export async function serveHttps(
  listen: Listen,
  tls: { readonly cert: string; readonly key: string },
  fetch: Fetch,
): Promise<Listening> {
  const options = { ...LIMITS, ...tls, minVersion: 'TLSv1.3' } as const;
  const answer = listenerOf(fetch);
  const server = createTlsServer(options, (incoming, outgoing) => {
    outgoing.sendDate = false;
    answer(incoming, outgoing);
  });
  return listening(server, listen, 'https', () => server.closeAllConnections());
}

function listenerOf(fetch: Fetch): RequestListener {
  const answer = getRequestListener((request) => fetch(request));
  return (incoming, outgoing) => {
    void answer(incoming, outgoing);
  };
}

async function listening(server: Server, listen: Listen, scheme: string, cut: () => void): Promise<Listening> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new ListenError(`Cannot listen on ${listen.address} port ${listen.port} (${error.code}).`));
    });
    server.listen(listen.port, listen.address, resolve);
  });
  const { address, port, family } = server.address() as AddressInfo;
  const host = family === 'IPv6' ? `[${address}]` : address;
  return {
    url: `${scheme}://${host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        cut();
      }),
  };
}
