// SPDX-License-Identifier: AGPL-3.0-or-later
// Portal, API and fleet server: `control --config FILE`. Prints one ready line and then journal lines.
// `control --config FILE --heavy-users` prints who moved most in the last thirty days, and ends. So does `--account
// show|extend|close [--days N]` with one account, whose number is on standard input. At SIGHUP it makes a new auth file.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { renderGateway } from '../src/contracts/plan/render.ts';
import { loadSealingThread } from '../src/control/fleet/sealing.os.ts';
import { type AccountVerb, answerAccount } from '../src/control/program/account.cli.ts';
import { wipeAndCollect } from '../src/control/program/collect.os.ts';
import { listHeavyUsers } from '../src/control/program/heavy.cli.ts';
import { controlStartProblem, loadControl, runControl } from '../src/control/program/program.os.ts';
import { type EpochDay, systemClock, today } from '../src/core/clock/clock.ts';
import { systemRandom } from '../src/core/random/random.ts';
import { Program } from '../src/host/program/program.os.ts';

const collect = wipeAndCollect();
const program: Program = new Program('control');
const { journal } = program;
const clock = systemClock;

const { values } = parseArgs({
  options: {
    config: { type: 'string' },
    'heavy-users': { type: 'boolean' },
    account: { type: 'string' },
    days: { type: 'string', default: '0' },
  },
});
if (values.config === undefined) program.refuse('usage: control --config FILE [--heavy-users]');
const loaded = program.accept(loadControl(values.config));
const { config, material } = loaded;
const { version: release } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const lists = values['heavy-users'] === true || values.account !== undefined;
const sealing = lists ? undefined : await loadSealingThread();
program.giveUpRoot(config.user);

if (values['heavy-users'] === true) {
  const since = (today(clock) - 30) as EpochDay;
  const listed = listHeavyUsers(config, material, since);
  program.answer(await listed.catch((error: unknown) => program.refuse(controlStartProblem(error))));
}

if (values.account !== undefined) {
  const question = { verb: values.account as AccountVerb, typed: readFileSync(0, 'utf8'), days: Number(values.days) };
  const answer = await answerAccount(config, question, clock).catch((error: unknown) =>
    program.refuse(controlStartProblem(error)),
  );
  program.print(`${JSON.stringify({ answer })}\n`);
  process.exit(0);
}

const context = {
  ...loaded,
  ...(sealing === undefined ? {} : { sealing }),
  release,
  clock,
  random: systemRandom,
  journal,
  render: renderGateway,
  lost: () => program.fail('sealing_thread'),
};
const running = await runControl(context, collect).catch((error: unknown) =>
  program.refuse(controlStartProblem(error)),
);

process.on('SIGHUP', () => running.control.publisher.changed());
program.serve({
  close: () => running.close(),
  ready: { ready: 'control', portal: running.portal, fleet: running.fleet },
  endsWithParent: true,
});
