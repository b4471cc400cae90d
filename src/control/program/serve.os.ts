// SPDX-License-Identifier: AGPL-3.0-or-later
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { getRequestListener } from '@hono/node-server';
import { type Listen, type Listening, listen, REQUEST_LIMITS } from '../../host/listening/listening.os.ts';
import type { Fetch } from './control.ts';

/** Serves over plain HTTP. Only the request is passed on; the connection stays here. */
export async function serveHttp(at: Listen, fetch: Fetch): Promise<Listening> {
  return await listen(createServer(REQUEST_LIMITS, listenerOf(fetch)), 'http', at);
}

/** For gateways. No message that one sends about its sessions is answered with the time at which it came. */
export async function serveHttps(
  at: Listen,
  tls: { readonly cert: string; readonly key: string },
  fetch: Fetch,
): Promise<Listening> {
  const options = { ...REQUEST_LIMITS, ...tls, minVersion: 'TLSv1.3' } as const;
  const answer = listenerOf(fetch);
  const server = createTlsServer(options, (incoming, outgoing) => {
    outgoing.sendDate = false;
    answer(incoming, outgoing);
  });
  return await listen(server, 'https', at);
}

function listenerOf(fetch: Fetch): RequestListener {
  const answer = getRequestListener((request) => fetch(request));
  return (incoming, outgoing) => {
    void answer(incoming, outgoing);
  };
}
