// SPDX-License-Identifier: AGPL-3.0-or-later
import type { AuthSource } from '../../contracts/authfile/authfile.ts';
import type { GatewayPlan } from '../../contracts/plan/plan.ts';
import type { PlannedProtocol } from '../../contracts/plan/protocol.ts';
import type { Clock } from '../../core/clock/clock.ts';
import type { Judge } from '../../core/configuration/judge.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { Random } from '../../core/random/random.ts';
import type { InnerAddresses } from '../../core/sessions/inner.ts';
import type { Sessions } from '../../core/sessions/session.ts';
import type { Namespace } from '../../host/namespaces/namespace.os.ts';
import type { Child } from '../../host/processes/process.os.ts';
import type { OriginLookup } from '../geoip/origin.ts';
import type { DaemonOptions } from './unprivileged.ts';

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
  /** An inner address, as innerKey makes a number of it, has lost its session. */
  readonly vacated: (key: number) => void;
}

/** What an adapter is given: what every tunnel is, and what the agent was told about single ones. */
export interface AdapterParts extends TunnelParts {
  /** What the agent shares with charon. */
  readonly radiusSecret: Uint8Array;
  /** Milliseconds without a handshake after which a WireGuard client is gone. */
  readonly wireguardIdle: number;
}

/** The agent's side of a protocol, made from its parts. */
export type MakeAdapter = (parts: AdapterParts) => Tunnel;

/** What a daemon is started with, on a machine where we start it. In the image, systemd does. */
export interface StartParts {
  readonly namespace: Pick<Namespace, 'run' | 'spawn'>;
  /** The directory of the rendered files, as seen from inside. */
  readonly directory: string;
  readonly options: DaemonOptions;
}

/**
 * One protocol, whole: what its plan says, and the gateway's half. `start` and `adapter` are loaded when they are asked for,
 * so that the agent, which starts nothing, does not hold that code.
 */
export interface TunnelProtocol<Name extends string = string> extends PlannedProtocol<Name> {
  /** Name of its daemon, where we start it. */
  readonly program: string;
  /** Who the daemon runs as. */
  readonly user: 'agent' | 'openvpn' | 'charon';
  readonly judge: Judge;
  readonly start: (parts: StartParts) => Promise<Child>;
  /** To be called while the program may still read its own files, before it gives up root. */
  readonly adapter: () => Promise<MakeAdapter>;
}
