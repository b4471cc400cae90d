// SPDX-License-Identifier: AGPL-3.0-or-later
// Gives gateways their secrets once they have proven what they run: `activator --config FILE`. Prints one ready line and
// then journal lines. `activator --config FILE --operator-file` prints what images must be told of it, and ends.
import { writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadActivator, openKeys, runActivator, startProblem } from '../src/activator/program.os.ts';
import { systemClock } from '../src/core/clock/clock.ts';
import { writingJournal } from '../src/core/journal/journal.ts';
import { systemRandom } from '../src/core/random/random.ts';
import { giveUpRoot, type Identity, watchParent } from '../src/host/processes/privileges.os.ts';

const print = (line: string) => writeSync(1, line);
const journal = writingJournal(print);
const deps = { clock: systemClock, random: systemRandom, journal };

function refuse(problem: string): never {
  writeSync(2, `${problem}\n`);
  process.exit(1);
}

// The runtime would print the error with all that it holds.
process.on('uncaughtException', () => {
  journal.say({ code: 'failed', program: 'activator', failure: 'uncaught' });
  process.exit(1);
});

const { values } = parseArgs({ options: { config: { type: 'string' }, 'operator-file': { type: 'boolean' } } });
if (values.config === undefined) refuse('usage: activator --config FILE [--operator-file]');
const loaded = loadActivator(values.config);
if ('problem' in loaded) refuse(loaded.problem);
// Whatever is made from here on is for nobody else to read.
process.umask(0o077);
const kept = giveUpRoot(loaded.config.user, process as Identity);
if (kept !== undefined) refuse(kept.problem);

if (values['operator-file'] === true) {
  const { tls } = await openKeys(loaded, deps).catch((error: unknown) => refuse(startProblem(error)));
  const { name, listen } = loaded.config;
  print(`${JSON.stringify({ activator: `https://${name}:${listen.port}`, authority: tls.certificate }, null, 2)}\n`);
  process.exit(0);
}

const running = await runActivator(loaded, deps).catch((error: unknown) => refuse(startProblem(error)));
const unwatch = watchParent(() => void stop());
process.once('SIGTERM', () => void stop());
process.once('SIGINT', () => void stop());
print(`${JSON.stringify({ ready: 'activator', url: running.url })}\n`);
journal.say({ code: 'started', program: 'activator' });

async function stop(): Promise<void> {
  unwatch();
  await running.close();
  journal.say({ code: 'stopped', program: 'activator' });
  process.exit(0);
}
