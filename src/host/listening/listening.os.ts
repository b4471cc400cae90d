// SPDX-License-Identifier: AGPL-3.0-or-later
import { createServer, type Server as HttpServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { Crowd, type CrowdLimits } from './crowd.ts';

export interface Listen {
  readonly address: string;
  /** 0 takes any free port. */
  readonly port: number;
}

export interface Listening {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  /** Ends the connections and resolves when the port is free. */
  close(): Promise<void>;
}

/** A port cannot be taken. The message is one sentence for the operator. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/**
 * In milliseconds: the longest time for the whole of a request, for its headers, of silence after it, and how often the
 * first two are looked at.
 */
const REQUEST_LIMITS = {
  requestTimeout: 30_000,
  headersTimeout: 10_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 2000,
} as const;

/** Milliseconds from the connection to the end of the TLS handshake. */
const HANDSHAKE = 5000;

/** Open at the same time over plain HTTP, where all come from one proxy and we do not look where from. */
const MOST_PLAIN = 4096;

/** Takes the port and answers over plain HTTP. */
export async function listenHttp(at: Listen, answer: RequestListener): Promise<Listening> {
  const server = createServer(REQUEST_LIMITS, withoutUpgrade(answer));
  server.maxConnections = MOST_PLAIN;
  return await listen(server, 'http', at);
}

export interface TlsListen extends Listen {
  /** PEM */
  readonly tls: { readonly cert: string; readonly key: string };
  /** Bytes of a request's headers. */
  readonly maxHeaderSize?: number;
  /** Who may be connected. */
  readonly crowd: CrowdLimits;
}

/** Takes the port and answers over TLS 1.3, and nothing older. */
export async function listenHttps(at: TlsListen, answer: RequestListener): Promise<Listening> {
  const { tls, maxHeaderSize } = at;
  const limits = { ...REQUEST_LIMITS, ...(maxHeaderSize === undefined ? {} : { maxHeaderSize }) };
  const options = { ...limits, ...tls, handshakeTimeout: HANDSHAKE, minVersion: 'TLSv1.3' } as const;
  const server = createTlsServer(options, withoutUpgrade(answer));
  const crowd = new Crowd(at.crowd);
  server.prependListener('connection', (socket: Socket) => {
    const leave = crowd.enter(socket.remoteAddress ?? '');
    if (leave === undefined) socket.destroy();
    else socket.once('close', leave);
  });
  return await listen(server, 'https', at);
}

/** A request for another protocol is answered as if it asked for none, and is the last of its connection. */
function withoutUpgrade(answer: RequestListener): RequestListener {
  return (request, response) => {
    if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
    answer(request, response);
  };
}

async function listen(server: HttpServer | HttpsServer, scheme: 'http' | 'https', at: Listen): Promise<Listening> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new ListenError(`Cannot listen on ${at.address} port ${at.port} (${error.code}).`));
    });
    server.listen(at.port, at.address, resolve);
  });
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
