// SPDX-License-Identifier: AGPL-3.0-or-later
// The agent of one gateway: `gateway --config FILE`. Prints journal lines; the first, `started`, says that it serves.
import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { GATEWAY_FILES } from '../src/contracts/plan/plan.ts';
import { systemClock } from '../src/core/clock/clock.ts';
import { writingJournal } from '../src/core/journal/journal.ts';
import { systemRandom } from '../src/core/random/random.ts';
import { openGateway } from '../src/gateway/agent/gateway.ts';
import { StartError } from '../src/gateway/agent/heartbeat.os.ts';
import { loadGateway } from '../src/gateway/agent/load.os.ts';
import { loadTunnels } from '../src/gateway/agent/tunnels.ts';
import { ResolverRecycling } from '../src/gateway/tunnels/dns/recycling.os.ts';
import { giveUpRoot, type Identity } from '../src/host/processes/privileges.os.ts';

const clock = systemClock;
const random = systemRandom;
const journal = writingJournal((line) => writeSync(1, line));

function refuse(problem: string): never {
  writeSync(2, `${problem}\n`);
  process.exit(1);
}

// The runtime would print the error with all that it holds.
process.on('uncaughtException', (error) => {
  journal.say({
    code: 'failed',
    program: 'gateway',
    failure: error instanceof StartError ? error.message : 'uncaught',
  });
  process.exit(1);
});

const { config: file } = parseArgs({ options: { config: { type: 'string' } } }).values;
if (file === undefined) refuse('usage: gateway --config FILE');
const inputs = loadGateway(file, GATEWAY_FILES.radiusSecret);
if ('problem' in inputs) refuse(inputs.problem);
const tunnels = await loadTunnels({
  radiusSecret: inputs.radiusSecret,
  wireguardIdle: inputs.config.intervals.wireguardIdle,
});
const kept = giveUpRoot(inputs.config.user, process as Identity);
if (kept !== undefined) refuse(kept.problem);

const resolver = new ResolverRecycling({ socket: GATEWAY_FILES.resolverSocket, clock, journal });
const gateway = await openGateway(inputs, {
  clock,
  random,
  journal,
  directory: GATEWAY_FILES.directory,
  tunnels,
  disconnected: () => resolver.disconnected(),
});

process.once('SIGTERM', () => void stop());
process.once('SIGINT', () => void stop());
journal.say({ code: 'started', program: 'gateway' });

/** Tunnels live on; the next agent finds them. */
async function stop(): Promise<void> {
  await gateway.stop();
  resolver.stop();
  journal.say({ code: 'stopped', program: 'gateway' });
  process.exit(0);
}
