// SPDX-License-Identifier: AGPL-3.0-or-later
// The agent of one gateway: `gateway --config FILE`. Prints journal lines; the first, `started`, says that it serves.
import { parseArgs } from 'node:util';
import { GATEWAY_FILES } from '../src/contracts/plan/plan.ts';
import { systemClock } from '../src/core/clock/clock.ts';
import { systemRandom } from '../src/core/random/random.ts';
import { openGateway } from '../src/gateway/agent/gateway.ts';
import { StartError } from '../src/gateway/agent/heartbeat.os.ts';
import { loadGateway } from '../src/gateway/agent/load.os.ts';
import { loadTunnels } from '../src/gateway/agent/tunnels.ts';
import { ResolverRecycling } from '../src/gateway/tunnels/dns/recycling.os.ts';
import { FlowForgetting } from '../src/gateway/tunnels/firewall/flows.os.ts';
import { Program } from '../src/host/program/program.os.ts';

const clock = systemClock;
const random = systemRandom;
const program: Program = new Program('gateway', (error) => (error instanceof StartError ? error.message : undefined));
const { journal } = program;

const { config: file } = parseArgs({ options: { config: { type: 'string' } } }).values;
if (file === undefined) program.refuse('usage: gateway --config FILE');
const inputs = program.accept(loadGateway(file, GATEWAY_FILES.radiusSecret));
const tunnels = await loadTunnels({
  radiusSecret: inputs.radiusSecret,
  wireguardIdle: inputs.config.intervals.wireguardIdle,
});
program.giveUpRoot(inputs.config.user);

const resolver = new ResolverRecycling({ socket: GATEWAY_FILES.resolverSocket, clock, journal });
const gateway = await openGateway(inputs, {
  clock,
  random,
  journal,
  directory: GATEWAY_FILES.directory,
  tunnels,
  disconnected: () => resolver.disconnected(),
  flows: (inner) =>
    new FlowForgetting({ socket: GATEWAY_FILES.flowsSocket, inner, tunnels: inputs.config.plan.tunnels, journal }),
});

program.serve({
  // At SIGTERM tunnels live on, and the next agent finds them. SIGINT says that none comes.
  async close(signal) {
    await (signal === 'SIGINT' ? gateway.end() : gateway.stop());
    resolver.stop();
  },
});
