// SPDX-License-Identifier: AGPL-3.0-or-later
import type { RequestListener } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import {
  type Listen,
  type Listening,
  listenHttp,
  listenHttps,
  type TlsListen,
} from '../../host/listening/listening.os.ts';
import type { Fetch } from './control.ts';

/** Serves over plain HTTP. Only the request is passed on; the connection stays here. */
export async function serveHttp(at: Listen, fetch: Fetch): Promise<Listening> {
  return await listenHttp(at, listenerOf(fetch));
}

/** For gateways. No message that one sends about its sessions is answered with the time at which it came. */
export async function serveHttps(at: TlsListen, fetch: Fetch): Promise<Listening> {
  const answer = listenerOf(fetch);
  return await listenHttps(at, (incoming, outgoing) => {
    outgoing.sendDate = false;
    answer(incoming, outgoing);
  });
}

function listenerOf(fetch: Fetch): RequestListener {
  const answer = getRequestListener((request) => fetch(request));
  return (incoming, outgoing) => {
    void answer(incoming, outgoing);
  };
}
