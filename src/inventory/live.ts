// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Datum, Declaration } from './datum.ts';

function held(kind: Datum['kind'], purpose: string, retention: string, rows: readonly string[]): Datum {
  return { kind, purpose, holder: 'control', retention, rows };
}

function connected(kind: Datum['kind'], purpose: string): Datum {
  const retention = 'in the memory of the gateway until the client disconnects; never on disk';
  return { kind, purpose, holder: 'gateway', retention, rows: ['S4', 'S5'] };
}

const SEAT = 'in memory until five minutes after the last beat; never on disk';
const STATUS = 'in memory until the next status; never on disk';

/** What lives in memory only, and dies with a session or a process. */
export const LIVE = {
  'live.seats': {
    session: held('random', 'tells the live sessions of a licence apart', SEAT, ['S4', 'S5']),
    licence: held('count', 'whose seat the session takes', SEAT, ['S4', 'S5']),
    gateway: held('word', 'whom to tell that the session must end', SEAT, ['S4', 'S5']),
  },
  'live.openvpn_clients': {
    client: connected('count', "the server's own number of a client"),
    session: connected('random', 'tells live sessions apart'),
    token: connected('count', 'a random number that tells when the same run of a client is back'),
    address: connected('count', 'the address inside the tunnel, so that a beat finds its session'),
  },
  'live.gateways': {
    gateway: held('word', 'which gateway reported', STATUS, ['S10', 'S12']),
    configuration: held('word', 'in_force or drifted', STATUS, ['S10']),
    authfile: held('count', 'version of the auth file in force', STATUS, ['S7', 'S10']),
    release: held('word', 'version of the software', STATUS, ['S11']),
  },
} as const satisfies Record<`live.${string}`, Declaration>;
