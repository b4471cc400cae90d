// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Declaration, declaration } from './datum.ts';
import { GATEWAY_STATUS, USAGE_BATCH, USAGE_EVENT } from './reports.ts';
import { KEPT } from './retention.ts';

/** Everything that may leave a gateway. A gateway has one exit, and each message must match its declaration exactly. */
export const EXIT = {
  'exit.usage': declaration({
    holder: 'control',
    retention: KEPT.twoYears,
    fields: USAGE_EVENT,
  }),
  'exit.usage_batch': declaration({
    holder: 'control',
    retention: KEPT.twoDays,
    fields: USAGE_BATCH,
  }),
  'exit.beat': declaration({
    holder: 'control',
    retention: KEPT.seat,
    fields: {
      session: { kind: 'random', purpose: 'tells live sessions of one licence apart' },
      licence: { kind: 'count', purpose: 'whose seat the session takes' },
    },
  }),
  'exit.status': declaration({
    holder: 'control',
    retention: KEPT.status,
    fields: GATEWAY_STATUS,
  }),
} satisfies Record<`exit.${string}`, Declaration>;
