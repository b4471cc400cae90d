// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Server as HttpServer } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
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
export const REQUEST_LIMITS = { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 5000 } as const;

/** Takes the port. */
export async function listen(
  server: HttpServer | HttpsServer,
  scheme: 'http' | 'https',
  at: Listen,
): Promise<Listening> {
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
