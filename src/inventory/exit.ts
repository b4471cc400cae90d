// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Datum, Declaration } from './datum.ts';

function sent(kind: Datum['kind'], purpose: string, retention: string, rows: readonly string[]): Datum {
  return { kind, purpose, holder: 'control', retention, rows };
}

const FOREVER = 'two years, then the row is deleted';
const LIVE = 'held in memory until five minutes after the last beat; never on disk';
const STATUS = 'held in memory until the next status';

/** Everything that may leave a gateway. A gateway has one exit, and each message must match its declaration exactly. */
export const EXIT = {
  'exit.usage': {
    date: sent('date', 'day on which a session ended, without the time', FOREVER, ['S9']),
    user: sent('digest', 'salted, keyed hash of the random VPN username', FOREVER, ['S9', 'S13']),
    country: sent('country', 'country of the network the session came from', FOREVER, ['S9']),
    isp: sent('isp', 'operator of the network the session came from', FOREVER, ['S9']),
    megabytes: sent('megabytes', 'data in and out together, rounded up', FOREVER, ['S9', 'S13']),
    location: sent('word', 'group of gateways, never the gateway', FOREVER, ['S9']),
    protocol: sent('word', 'tunnel protocol', FOREVER, ['S9']),
  },
  'exit.usage_batch': {
    batch: sent('random', 'lets a batch that was sent twice be counted once', 'two days', ['S9']),
  },
  'exit.beat': {
    session: sent('random', 'tells live sessions of one licence apart', LIVE, ['S4', 'S5']),
    licence: sent('count', 'whose seat the session takes', LIVE, ['S4', 'S5']),
  },
  'exit.status': {
    gateway: sent('word', 'which gateway reports', STATUS, ['S10', 'S12']),
    configuration: sent('word', 'in_force or drifted', STATUS, ['S10']),
    authfile: sent('count', 'version of the auth file in force', STATUS, ['S7', 'S10']),
    release: sent('word', 'version of the software', STATUS, ['S11']),
  },
} as const satisfies Record<`exit.${string}`, Declaration>;
