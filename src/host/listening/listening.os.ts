// SPDX-License-Identifier: AGPL-3.0-or-later
import { createServer, type Server as HttpServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer, type Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

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

/** Longest time for the whole of a request, for its headers, and of silence after it, in milliseconds. */
const REQUEST_LIMITS = { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 5000 } as const;

/** Takes the port and answers over plain HTTP. */
export async function listenHttp(at: Listen, answer: RequestListener): Promise<Listening> {
  return await listen(createServer(REQUEST_LIMITS, answer), 'http', at);
}

export interface TlsListen extends Listen {
  /** PEM */
  readonly tls: { readonly cert: string; readonly key: string };
  /** Bytes of a request's headers. */
  readonly maxHeaderSize?: number;
  /** Open at the same time. */
  readonly maxConnections?: number;
}

/** Takes the port and answers over TLS 1.3, and nothing older. */
export async function listenHttps(at: TlsListen, answer: RequestListener): Promise<Listening> {
  const { tls, maxHeaderSize, maxConnections } = at;
  const limits = { ...REQUEST_LIMITS, ...(maxHeaderSize === undefined ? {} : { maxHeaderSize }) };
  const server = createTlsServer({ ...limits, ...tls, minVersion: 'TLSv1.3' }, answer);
  if (maxConnections !== undefined) server.maxConnections = maxConnections;
  return await listen(server, 'https', at);
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
