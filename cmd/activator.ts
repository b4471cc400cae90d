// SPDX-License-Identifier: AGPL-3.0-or-later
// Gives gateways their secrets once they have proven what they run: `activator --config FILE`. Prints one ready line and
// then journal lines. `activator --config FILE --operator-file` prints what images must be told of it, and ends.
// `--enrol` registers the machine of an order on standard input, `--boot GATEWAY` prints that gateway's last boot.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { bootShown, type EnrolmentOrder, enrolOrdered } from '../src/activator/own-store.os.ts';
import { activatorStartProblem, loadActivator, openKeys, runActivator } from '../src/activator/program.os.ts';
import { systemClock } from '../src/core/clock/clock.ts';
import { systemRandom } from '../src/core/random/random.ts';
import { Program } from '../src/host/program/program.os.ts';

const program: Program = new Program('activator');
const deps = { clock: systemClock, random: systemRandom, journal: program.journal };

const { values } = parseArgs({
  options: {
    config: { type: 'string' },
    'operator-file': { type: 'boolean' },
    enrol: { type: 'boolean' },
    boot: { type: 'string' },
  },
});
if (values.config === undefined) program.refuse('usage: activator --config FILE [--operator-file]');
const loaded = program.accept(loadActivator(values.config));
// No other user may read what is made from here on.
process.umask(0o077);
program.giveUpRoot(loaded.config.user);

if (values['operator-file'] === true) {
  const { tls } = await openKeys(loaded, deps).catch((error: unknown) => program.refuse(activatorStartProblem(error)));
  const { name, listen } = loaded.config;
  program.print(
    `${JSON.stringify({ activator: `https://${name}:${listen.port}`, authority: tls.certificate }, null, 2)}\n`,
  );
  process.exit(0);
}

if (values.enrol === true) {
  const order = JSON.parse(readFileSync(0, 'utf8')) as EnrolmentOrder;
  const made = program.accept(await enrolOrdered(order, loaded, deps));
  program.print(`${JSON.stringify(made)}\n`);
  process.exit(0);
}

if (values.boot !== undefined) {
  program.print(`${JSON.stringify(bootShown(values.boot, loaded))}\n`);
  process.exit(0);
}

const running = await runActivator(loaded, deps).catch((error: unknown) =>
  program.refuse(activatorStartProblem(error)),
);
program.serve({
  close: () => running.close(),
  ready: { ready: 'activator', url: running.url },
  endsWithParent: true,
});
