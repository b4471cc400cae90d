// SPDX-License-Identifier: AGPL-3.0-or-later
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Answer } from './activator.http.ts';
import { LONGEST } from './messages.ts';

export interface Listen {
  readonly address: string;
  /** 0 takes any free port. */
  readonly port: number;
}

export interface Listening {
  /** `https://127.0.0.1:8450` */
  readonly url: string;
  close(): Promise<void>;
}

/** A port cannot be taken. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
}

/** Milliseconds. A machine that is emulated sends its log in seconds. */
const LIMITS = { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 5000, maxHeaderSize: 8192 } as const;
const CONNECTIONS = 128;

/** Serves over TLS 1.3. `answer` gets the body, or undefined when it is too long to be read. */
export async function serveActivator(
  listen: Listen,
  tls: { readonly cert: string; readonly key: string },
  answer: (method: string, path: string, body: string | undefined) => Promise<Answer>,
): Promise<Listening> {
  const server = createServer({ ...LIMITS, ...tls, minVersion: 'TLSv1.3' }, (request, response) => {
    void bodyOf(request)
      .then((body) => answer(request.method ?? '', request.url ?? '', body))
      .then(
        ({ status, body }) => {
          response.writeHead(status, { 'content-type': 'application/json' });
          response.end(body);
        },
        // The machine is gone, or something of our own is broken, which has been said in the journal.
        () => response.destroy(),
      );
  });
  server.maxConnections = CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(new ListenError(`Cannot listen on ${listen.address} port ${listen.port} (${error.code}).`));
    });
    server.listen(listen.port, listen.address, resolve);
  });
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `https://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LONGEST.toActivator) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
