// SPDX-License-Identifier: AGPL-3.0-or-later
import type { AuthSource } from '../../contracts/authfile/authfile.ts';
import type { GatewayPlan } from '../../contracts/plan/plan.ts';
import type { Clock } from '../../core/clock/clock.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { Random } from '../../core/random/random.ts';
import type { InnerAddresses } from '../../core/sessions/inner.ts';
import type { Sessions } from '../../core/sessions/session.ts';
import type { OriginLookup } from '../geoip/origin.ts';

/** What the gateway asks of a tunnel: to serve, and to say whose an address inside it is. */
export interface Tunnel extends InnerAddresses {
  /** Connects to the daemon, and keeps trying until `stop`. Live sessions are taken over as they are. */
  start(): Promise<void>;
  /** Lets go of the daemon. Sessions live on. */
  stop(): void | Promise<void>;
}

/** What every tunnel is given. */
export interface TunnelParts {
  readonly plan: GatewayPlan;
  readonly sessions: Sessions;
  readonly auth: AuthSource;
  readonly origin: OriginLookup;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: Random;
}

/** All tunnels as one: the pools are disjoint, so at most one of them knows an address. */
export function innerAddressesOf(tunnels: readonly Tunnel[]): InnerAddresses {
  return {
    sessionAt(bytes, start, length) {
      for (const tunnel of tunnels) {
        const session = tunnel.sessionAt(bytes, start, length);
        if (session !== undefined) return session;
      }
      return undefined;
    },
  };
}
