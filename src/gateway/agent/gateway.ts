// SPDX-License-Identifier: AGPL-3.0-or-later
import { setTimeout as delay } from 'node:timers/promises';
import type { GatewayConfig } from '../../contracts/plan/agent-config.ts';
import { usageEvent } from '../../contracts/usage/event.ts';
import { type Clock, today } from '../../core/clock/clock.ts';
import { TimedOut, waitUntil } from '../../core/clock/until.ts';
import type { Journal } from '../../core/journal/journal.ts';
import { fraction, type Random } from '../../core/random/random.ts';
import type { InnerAddresses } from '../../core/sessions/inner.ts';
import { CurrentAuthFile } from '../authfile/current.ts';
import { LiveSessions } from '../sessions/live.ts';
import { Rests } from '../sessions/rests.ts';
import type { FlowForgetting } from '../tunnels/firewall/flows.os.ts';
import type { Tunnel, TunnelParts } from '../tunnels/protocol.ts';
import { ConfigurationCheck } from './configuration-check.os.ts';
import { ControlLink } from './control-link.ts';
import { Documents } from './documents.ts';
import { FleetClient } from './fleet-client.os.ts';
import { openHeartbeats } from './heartbeat.os.ts';
import { refuseLogging } from './judged.os.ts';
import type { GatewayInputs } from './load.os.ts';
import { Outbox } from './outbox.ts';
import { Rounds } from './rounds.ts';
import { innerAddressesOf } from './tunnels.ts';

export interface GatewayContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  /** Holds the rendered configuration. */
  readonly directory: string;
  readonly tunnels: (parts: TunnelParts) => Tunnel[];
  /** A session that carried packets has ended: the resolver should forget what it asked. */
  readonly disconnected: () => void;
  /** What makes the kernel forget the flows of those who have left. */
  readonly flows: (inner: InnerAddresses) => Pick<FlowForgetting, 'vacated' | 'sweep' | 'stop'>;
}

export interface Gateway {
  readonly sessions: LiveSessions;
  /** Lets tunnels live on, and tries to hand over what the outbox still holds. */
  stop(): Promise<void>;
  /** The same, after each session has ended and left its event: nothing comes after this agent. */
  end(): Promise<void>;
}

/** Milliseconds in which sessions end. charon needs two to tell the last bytes of one whose client is silent. */
const END_TIMEOUT = 4000;

/** Milliseconds that a gateway which is stopped gives control to take what the outbox holds. */
const FLUSH_TIMEOUT = 3000;

/**
 * The agent of one gateway. It resolves once control has been asked for the first time. Tunnels serve from the moment
 * an auth file is in force, and go on serving whether control is there or not. It throws a StartError where the
 * configuration that it finds could log.
 */
export async function openGateway(inputs: GatewayInputs, deps: GatewayContext): Promise<Gateway> {
  const { config } = inputs;
  const { clock, random, journal } = deps;
  refuseLogging(deps.directory, journal);
  const link = new ControlLink(new FleetClient({ ...inputs, controlUrl: config.controlUrl }), journal);
  const outbox = new Outbox({ random, journal, send: (batch) => link.usage(batch) });
  const rests = new Rests({
    clock,
    rest: config.intervals.wireguardRest,
    letGo: ({ record, day }) => outbox.add(usageEvent(record, config.plan.location, day)),
  });
  const sessions = new LiveSessions({
    clock,
    random,
    journal,
    used(record, resting) {
      if (resting) rests.add(record, today(clock));
      else rests.over(record, today(clock));
      deps.disconnected();
    },
  });
  const auth = new CurrentAuthFile(inputs.authfileKey, journal);
  auth.onChange(() => sessions.refresh(auth.entitlementsOf(sessions.tags())));
  const inner: InnerAddresses = { sessionAt: (...address) => innerAddressesOf(tunnels).sessionAt(...address) };
  const flows = deps.flows(inner);
  const vacated = (key: number) => flows.vacated(key);
  const tunnels = deps.tunnels({ ...deps, plan: config.plan, sessions, auth, origin: inputs.origin, vacated });
  const check = new ConfigurationCheck(
    { ...config.plan, release: config.release, directory: deps.directory },
    inputs.expectedKey,
    journal,
  );
  const heartbeats = await openHeartbeats(
    { inner, beat: (session) => sessions.heartbeat(session) },
    { address: config.plan.service4, port: config.plan.heartbeatPort },
  );

  const documents = new Documents({
    link,
    auth,
    check,
    interval: config.intervals.fetch,
    elapsed: () => clock.elapsed(),
  });
  await documents.look(true);
  await Promise.all(tunnels.map((tunnel) => tunnel.start()));
  const rounds = new Rounds(random, journal);
  rounds.start({ name: 'rests', interval: config.intervals.sweep, run: async () => rests.sweep() });
  rounds.start({ name: 'flows', interval: config.intervals.sweep, run: () => flows.sweep() });
  startRounds({ rounds, random, config, link, outbox, sessions, auth, check, documents });
  const stop = async (): Promise<void> => {
    rounds.stop();
    heartbeats.close();
    heartbeats.closeAllConnections();
    for (const tunnel of tunnels) await tunnel.stop();
    flows.stop();
    rests.close();
    await Promise.race([outbox.flush(), delay(FLUSH_TIMEOUT, undefined, { ref: false })]);
    link.close();
  };
  return {
    sessions,
    stop,
    async end() {
      sessions.close();
      await waitUntil('all sessions have ended', () => sessions.size === 0, END_TIMEOUT).catch(unlessTimedOut);
      sessions.settle();
      await stop();
    },
  };
}

function unlessTimedOut(error: unknown): void {
  if (!(error instanceof TimedOut)) throw error;
}

function startRounds(parts: {
  rounds: Rounds;
  random: Random;
  config: GatewayConfig;
  link: ControlLink;
  outbox: Outbox;
  sessions: LiveSessions;
  auth: CurrentAuthFile;
  check: ConfigurationCheck;
  documents: Documents;
}): void {
  const { rounds, random, config, link, outbox, sessions, auth, check, documents } = parts;
  const { intervals, plan, release } = config;
  rounds.start({
    name: 'fetch',
    get interval() {
      return documents.pause;
    },
    jitter: 0.2,
    run: () => documents.look(),
  });
  rounds.start({
    name: 'beats',
    interval: intervals.beats,
    run: async () => sessions.endThese(await link.beats(sessions.list()), 'seats'),
  });
  rounds.start({
    name: 'status',
    interval: intervals.status,
    first: 0,
    run: () =>
      link.status({
        gateway: plan.gateway,
        configuration: check.check(),
        authfile: auth.current?.version ?? 0,
        release,
      }),
  });
  rounds.start({
    name: 'outbox',
    interval: intervals.outbox,
    first: intervals.outbox * fraction(random),
    run: () => outbox.tick(),
  });
  rounds.start({ name: 'sweep', interval: intervals.sweep, run: () => sessions.sweep() });
}
