// SPDX-License-Identifier: AGPL-3.0-or-later
// The whole of control with a database of its own, for the benchmark of strangers: prints where it serves, and the tokens of
// two customers who have signed up.
import { loadAssets } from '../../src/control/portal/assets.os.ts';
import { type ControlConfig, parseControlConfig } from '../../src/control/program/config.ts';
import { readMaterial } from '../../src/control/program/material.os.ts';
import { runControl } from '../../src/control/program/program.os.ts';
import { systemClock } from '../../src/core/clock/clock.ts';
import { systemRandom } from '../../src/core/random/random.ts';
import { temporaryConfig } from '../labs/control/test-control.os.ts';
import { openTemporaryDatabase } from '../labs/database/temporary.os.ts';

await using opened = new AsyncDisposableStack();
const database = opened.adopt(await openTemporaryDatabase(), (it) => it.close());
const temporary = opened.adopt(await temporaryConfig(database.server.socket), (it) => it.remove());
const config = parseControlConfig(JSON.stringify(temporary.config)) as ControlConfig;
const running = opened.adopt(
  await runControl({
    config,
    material: readMaterial(config),
    release: '0.0.0',
    clock: systemClock,
    random: systemRandom,
    journal: { say: () => undefined },
    render: () => [],
    assets: loadAssets(),
  }),
  (it) => it.close(),
);

async function token(): Promise<string> {
  const made = await running.control.services.accounts.signUp();
  if (typeof made === 'string') throw new Error(`a new service is ${made}`);
  return made.signIn.token;
}

process.stdout.write(`serves ${running.portal} ${await token()} ${await token()}\n`);
await new Promise((resolve) => process.once('SIGTERM', resolve));
