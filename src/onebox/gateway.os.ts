// SPDX-License-Identifier: AGPL-3.0-or-later
import { fileURLToPath } from 'node:url';
import { AGENT_FILES, type AgentChoice, gatewayFiles } from '../contracts/plan/files.ts';
import { makeRadiusSecret } from '../contracts/plan/ikev2/secret.ts';
import { GATEWAY_FILES, type GatewayPlan } from '../contracts/plan/plan.ts';
import type { Clock } from '../core/clock/clock.ts';
import type { Journal } from '../core/journal/journal.ts';
import type { Random } from '../core/random/random.ts';
import { assertWiped, wiped } from '../gateway/residue/wipe.os.ts';
import { startResolver } from '../gateway/tunnels/dns/start.os.ts';
import { raiseFirewall, startFlows } from '../gateway/tunnels/firewall/start.os.ts';
import type { TunnelProtocol } from '../gateway/tunnels/protocol.ts';
import { TUNNEL_PROTOCOLS } from '../gateway/tunnels/protocols.ts';
import { placeFiles } from '../host/files/place.os.ts';
import type { Namespace } from '../host/namespaces/namespace.os.ts';
import { ownProgram } from '../host/processes/privileges.os.ts';
import type { Child } from '../host/processes/process.os.ts';
import { untilSays } from '../host/processes/ready.os.ts';
import type { GatewayIdentity } from './identity.os.ts';
import { type Heard, heardFrom } from './relay.ts';
import { untilServes } from './serving.os.ts';
import { type Supervised, type Supervision, supervise } from './supervisor.ts';
import type { Users } from './users.os.ts';

export interface GatewayParts {
  /** Where it lives, with its uplink cabled and addressed already. */
  readonly namespace: Namespace;
  readonly plan: GatewayPlan;
  readonly identity: GatewayIdentity;
  /** What the agent is told, but for the plan and the user. */
  readonly agent: AgentChoice;
  /** PEM: signs control's certificate. */
  readonly controlAuthority: string;
  readonly users: Users;
  /** The library that wipes freed memory. */
  readonly wipe: string;
  /** The launcher that has the kernel refuse system calls. */
  readonly filter: string | undefined;
  /** The program that makes the kernel forget flows. */
  readonly flows: string;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly random: Random;
  /** Gets what the agent says in its journal. */
  readonly heard?: Heard;
}

/** Programs of a gateway that run and are kept running, in the order they were started. */
export interface RunningGateway {
  readonly programs: readonly Supervised[];
  program(name: string): Supervised;
  stop(): Promise<void>;
}

const AGENT = fileURLToPath(new URL('../../cmd/gateway.ts', import.meta.url));

/** Milliseconds that the agent has to end sessions and to hand their events to control; see `gateway/agent/gateway.ts`. */
const AGENT_GRACE = 15_000;
/** How a program is asked to end, where it is not SIGTERM: the agent then ends its sessions, for no other one follows it. */
const ENDS: Readonly<Record<string, Supervision['end']>> = { agent: (child) => child.stop(AGENT_GRACE, 'SIGINT') };

/** V8 overwrites the memory that it frees. */
const AGENT_COMMAND = [process.execPath, '--clear-free-memory', AGENT, '--config', AGENT_FILES.config];

/**
 * Places keys and configuration in the gateway's memory, closes the firewall, then starts its daemons and its agent, and
 * waits until customers can come.
 */
export async function startGateway(parts: GatewayParts): Promise<RunningGateway> {
  placeGateway(parts);
  await raiseFirewall(parts.namespace, parts.plan, GATEWAY_FILES.directory);
  const programs: Supervised[] = [];
  const stop = async (): Promise<void> => {
    for (const program of programs.toReversed()) await program.stop();
  };
  try {
    for (const [name, start] of Object.entries(starters(parts))) {
      const end = ENDS[name];
      const { journal, clock } = parts;
      programs.push(await supervise({ name, journal, clock, start, ...(end === undefined ? {} : { end }) }));
    }
    await untilServes(parts.namespace, parts.plan, programs);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    programs,
    stop,
    program(name) {
      const found = programs.find((program) => program.name === name);
      if (found === undefined) throw new RangeError(`a gateway runs no program ${name}`);
      return found;
    },
  };
}

/** How each program is started, first and again, in this order. Every one but wireguard-go wipes what it frees. */
export function starters(
  parts: Pick<GatewayParts, 'namespace' | 'users' | 'wipe' | 'filter' | 'flows' | 'heard'>,
  protocols: readonly TunnelProtocol[] = TUNNEL_PROTOCOLS,
): Record<string, () => Promise<Child>> {
  const { namespace, users, wipe, filter } = parts;
  const { directory } = GATEWAY_FILES;
  const agentGroup = users.agent.gid;
  const { env = {} } = wiped(wipe);
  const daemons = protocols.map(({ program, user, start }) => [
    program,
    () => start({ namespace, directory, options: { user: users[user], agentGroup, env, filter } }),
  ]);
  return {
    unbound: () => startResolver(namespace, directory, { user: users.resolver, agentGroup, env, filter }),
    ...Object.fromEntries(daemons),
    flows: () => startFlows(namespace, parts.flows, { user: users.agent, env, filter }),
    agent: () => startAgent(parts),
  };
}

type AgentParts = Pick<GatewayParts, 'namespace' | 'wipe' | 'filter' | 'heard'>;

async function startAgent({ namespace, wipe, filter, heard }: AgentParts): Promise<Child> {
  const options = { ...ownProgram(filter), ...heardFrom('agent', heard) };
  const child = await namespace.spawn(AGENT_COMMAND, wiped(wipe, options));
  await untilSays(child, 'gateway', /"code":"started","program":"gateway"/);
  await assertWiped(child.pid, wipe);
  return child;
}

function placeGateway({ namespace, plan, identity, agent, controlAuthority, users, random }: GatewayParts): void {
  const files = gatewayFiles({
    plan,
    keys: identity.files,
    radiusSecret: makeRadiusSecret(random),
    token: identity.token,
    controlAuthority,
    agent,
    owners: { agent: users.agent, wireguard: users.agent, tunnels: users.openvpn.gid, charon: users.charon.gid },
  });
  placeFiles(`/proc/${namespace.pid}/root`, files);
}
