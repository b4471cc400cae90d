// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Store, store } from './datum.ts';
import { GATEWAY_STATUS } from './reports.ts';
import { KEPT } from './retention.ts';

/** What lives in memory only, and dies with a session or a process. */
export const LIVE = {
  'live.seats': store({
    about: { customer: 'licence', column: 'licence' },
    holder: 'control',
    retention: KEPT.seat,
    fields: {
      session: { kind: 'random', purpose: 'tells the live sessions of a licence apart' },
      licence: { kind: 'count', purpose: 'whose seat the session takes' },
      gateway: { kind: 'word', purpose: 'whom to tell that the session must end' },
    },
  }),
  // On the gateway alone: control, which shows a customer what is known, never learns of it.
  'live.openvpn_clients': store({
    about: 'unlinked',
    holder: 'gateway',
    retention: KEPT.connection,
    fields: {
      client: { kind: 'count', purpose: "the server's own number of a client" },
      session: { kind: 'random', purpose: 'tells live sessions apart' },
      token: { kind: 'count', purpose: 'a random number that tells when the same run of a client is back' },
      address: { kind: 'count', purpose: 'the address inside the tunnel, so that a beat finds its session' },
    },
  }),
  'live.gateways': store({
    about: 'service',
    holder: 'control',
    retention: KEPT.status,
    fields: GATEWAY_STATUS,
  }),
} satisfies Record<`live.${string}`, Store>;
