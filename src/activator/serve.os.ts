// SPDX-License-Identifier: AGPL-3.0-or-later
import type { IncomingMessage } from 'node:http';
import { LONGEST } from '../contracts/activation/messages.ts';
import { type Listen, type Listening, listenHttps, type TlsListen } from '../host/listening/listening.os.ts';
import type { Answer } from './activator.http.ts';

/** Strangers together can have it hold 400 MB of messages; one machine needs one connection at a time. */
const LIMITS = { perSource: 64, strangers: 1024 } as const;

/**
 * Serves over TLS 1.3. For those who are `known` a place is kept, for strangers can have all others. `answer` gets the
 * body, or undefined when it is too long to be read.
 */
export async function serveActivator(
  at: Listen,
  tls: TlsListen['tls'],
  known: () => ReadonlySet<string>,
  answer: (method: string, path: string, body: string | undefined) => Promise<Answer>,
): Promise<Listening> {
  return await listenHttps({ ...at, tls, maxHeaderSize: 8192, crowd: { ...LIMITS, known } }, (request, response) => {
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
