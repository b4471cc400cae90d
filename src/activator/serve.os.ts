// SPDX-License-Identifier: AGPL-3.0-or-later
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import { LONGEST } from '../contracts/activation/messages.ts';
import { type Listen, type Listening, listen, REQUEST_LIMITS } from '../host/listening/listening.os.ts';
import type { Answer } from './activator.http.ts';

/** A machine that is emulated sends its log in seconds. */
const LIMITS = { ...REQUEST_LIMITS, maxHeaderSize: 8192 } as const;
const CONNECTIONS = 128;

/** Serves over TLS 1.3. `answer` gets the body, or undefined when it is too long to be read. */
export async function serveActivator(
  at: Listen,
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
  return await listen(server, 'https', at);
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
