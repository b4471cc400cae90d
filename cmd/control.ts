// SPDX-License-Identifier: AGPL-3.0-or-later
// Portal, API and fleet server: `control --config FILE`. Prints one ready line and then journal lines.
// `control --config FILE --heavy-users` prints who moved most in the last thirty days, and ends.
import { readFileSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { renderGateway } from '../src/contracts/plan/render.ts';
import { printHeavyUsers } from '../src/control/program/heavy.cli.ts';
import { loadControl, runControl, startProblem } from '../src/control/program/program.os.ts';
import { type EpochDay, systemClock, today } from '../src/core/clock/clock.ts';
import { writingJournal } from '../src/core/journal/journal.ts';
import { systemRandom } from '../src/core/random/random.ts';
import { giveUpRoot, type Identity, watchParent } from '../src/host/processes/privileges.os.ts';

const print = (line: string) => writeSync(1, line);
const journal = writingJournal(print);
const clock = systemClock;

function refuse(problem: string): never {
  writeSync(2, `${problem}\n`);
  process.exit(1);
}

// The runtime would print the error with all that it holds.
process.on('uncaughtException', () => {
  journal.say({ code: 'failed', program: 'control', failure: 'uncaught' });
  process.exit(1);
});

const { values } = parseArgs({ options: { config: { type: 'string' }, 'heavy-users': { type: 'boolean' } } });
if (values.config === undefined) refuse('usage: control --config FILE [--heavy-users]');
const loaded = loadControl(values.config);
if ('problem' in loaded) refuse(loaded.problem);
const { config, material } = loaded;
const { version: release } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const kept = giveUpRoot(config.user, process as Identity);
if (kept !== undefined) refuse(kept.problem);

if (values['heavy-users'] === true) {
  const since = (today(clock) - 30) as EpochDay;
  await printHeavyUsers(config, material, since, print).catch((error: unknown) => refuse(startProblem(error)));
  process.exit(0);
}

const running = await runControl({
  ...loaded,
  release,
  clock,
  random: systemRandom,
  journal,
  render: renderGateway,
}).catch((error: unknown) => refuse(startProblem(error)));

const unwatch = watchParent(() => void stop());
process.once('SIGTERM', () => void stop());
process.once('SIGINT', () => void stop());
print(`${JSON.stringify({ ready: 'control', portal: running.portal, fleet: running.fleet })}\n`);
journal.say({ code: 'started', program: 'control' });

async function stop(): Promise<void> {
  unwatch();
  await running.close();
  journal.say({ code: 'stopped', program: 'control' });
  process.exit(0);
}
