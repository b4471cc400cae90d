// SPDX-License-Identifier: AGPL-3.0-or-later
// Needs root.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { get, Server as HttpsServer } from 'node:https';
import { after, before, test } from 'node:test';
import { GATEWAY_TOKEN, type TemporaryConfig, temporaryConfig } from '../../../proof/labs/control/test-control.os.ts';
import { NOBODY, openTemporaryDatabase, type TemporaryDatabase } from '../../../proof/labs/database/temporary.os.ts';
import { systemClock } from '../../core/clock/clock.ts';
import { waitUntil } from '../../core/clock/until.ts';
import { RecordingJournal } from '../../core/journal/journal.ts';
import { systemRandom } from '../../core/random/random.ts';
import { type Child, spawnChild } from '../../host/processes/process.os.ts';
import { untilSays } from '../../host/processes/ready.os.ts';
import { loadControl, runControl } from './program.os.ts';

const PROGRAM = new URL('../../../cmd/control.ts', import.meta.url).pathname;

let database: TemporaryDatabase;
let temporary: TemporaryConfig;
before(async () => {
  database = await openTemporaryDatabase([NOBODY.uid]);
  temporary = await temporaryConfig(database.server.socket);
});
after(async () => {
  await database.close();
  temporary.remove();
});

function start(name: string, change: object, ...more: string[]): Child {
  return spawnChild([process.execPath, PROGRAM, '--config', temporary.changed(change, name), ...more]);
}

async function readyLine(child: Child): Promise<{ ready: string; portal: string; fleet?: string }> {
  const [, line = ''] = await untilSays(child, 'control', /^(.*)\n/);
  return JSON.parse(line) as { ready: string; portal: string; fleet?: string };
}

function fleetStatus(url: string, token: string): Promise<number | undefined> {
  const ca = readFileSync(temporary.config.caCertificate);
  return new Promise((resolve, reject) => {
    const options = { ca, headers: { authorization: `Bearer ${token}` }, agent: false };
    get(url, options, (response) => {
      response.resume().once('end', () => resolve(response.statusCode));
    }).once('error', reject);
  });
}

test('the program serves portal, API and fleet as an unprivileged user, and ends cleanly', async () => {
  const child = start('whole', { user: NOBODY });
  try {
    const ready = await readyLine(child);
    assert.equal(ready.ready, 'control');
    assert.match(readFileSync(`/proc/${child.pid}/status`, 'utf8'), /^Uid:\t65534\t65534\t65534\t65534$/m);
    assert.equal((await fetch(`${ready.portal}/`)).status, 200);
    assert.equal((await fetch(`${ready.portal}/openapi.json`)).status, 200);
    assert.equal((await fetch(`${ready.portal}/api/v1/accounts`, { method: 'POST' })).status, 201);
    assert.equal(await fleetStatus(`${ready.fleet}/fleet/v1/authfile`, GATEWAY_TOKEN), 200);
    assert.equal(await fleetStatus(`${ready.fleet}/fleet/v1/authfile`, 'b'.repeat(43)), 401);
  } finally {
    assert.deepEqual(await child.stop(), { code: 0, signal: null });
  }
  assert.deepEqual(child.output().split('\n').slice(1, 3), [
    '{"code":"started","program":"control"}',
    '{"code":"stopped","program":"control"}',
  ]);
});

test('the program ends when the one that started it is gone', async () => {
  const file = temporary.changed({ user: NOBODY, fleet: undefined }, 'orphan.json');
  const script = `"$0" "$1" --config "$2" & echo "child $!"; wait`;
  const parent = spawnChild(['sh', '-c', script, process.execPath, PROGRAM, file]);
  await untilSays(parent, 'control', /"started"/);
  const pid = Number(/child (\d+)/.exec(parent.output())?.[1]);
  parent.signal('SIGKILL');
  const alive = () => {
    try {
      return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z');
    } catch {
      return false;
    }
  };
  await waitUntil('it has ended', () => !alive());
  await parent.exited;
});

test('heavy users are printed for the operator, once there are any', async () => {
  const child = start('heavy', { user: NOBODY }, '--heavy-users');
  assert.deepEqual(await child.exited, { code: 0, signal: null });
  assert.equal(child.output().includes('licence'), false);
});

test('the program says in one sentence why it does not start', async () => {
  const bare = spawnChild([process.execPath, PROGRAM]);
  const children = [
    bare,
    start('rooted', {}),
    start('broken', { colour: 'red' }),
    start('away', { user: NOBODY, database: '/nowhere' }),
    start('heavy-away', { user: NOBODY, database: '/nowhere' }, '--heavy-users'),
  ];
  const codes = await Promise.all(children.map(async (child) => (await child.exited).code));
  assert.deepEqual(codes, [1, 1, 1, 1, 1]);
  const [usage, rooted, broken, away, heavyAway] = children.map((child) => child.output());
  assert.match(usage ?? '', /^usage:/);
  assert.match(rooted ?? '', /names no user to run as/);
  assert.match(broken ?? '', /^line 1: colour: unknown key/);
  assert.match(away ?? '', /^The database does not answer/);
  assert.match(heavyAway ?? '', /^The database does not answer/);
});

test('an asset that is not there is not called a configuration that cannot be read', () => {
  const file = temporary.changed({}, 'assets.json');
  const missing = () => {
    throw new Error('no such asset');
  };
  assert.throws(() => loadControl(file, missing), /^Error: no such asset$/);
  assert.deepEqual(loadControl(`${file}.absent`, missing), { problem: 'The configuration file cannot be read.' });
});

test('garbage is collected after somebody was shown something', async () => {
  const loaded = loadControl(temporary.changed({ fleet: undefined }, 'collecting.json'));
  if ('problem' in loaded) throw new Error(loaded.problem);
  let collected = 0;
  const running = await runControl(
    {
      ...loaded,
      release: '0.1.0',
      clock: systemClock,
      random: systemRandom,
      journal: new RecordingJournal(),
      render: () => [],
    },
    () => {
      collected += 1;
    },
  );
  try {
    assert.equal((await fetch(running.portal)).status, 200);
    await waitUntil('garbage is collected', () => collected > 0);
  } finally {
    await running.close();
  }
});

test('at the end the portal is closed together with the fleet server, not after it', async (context) => {
  const loaded = loadControl(temporary.changed({}, 'ending.json'));
  if ('problem' in loaded) throw new Error(loaded.problem);
  const [random, journal] = [systemRandom, new RecordingJournal()];
  const running = await runControl({
    ...loaded,
    release: '0.1.0',
    clock: systemClock,
    random,
    journal,
    render: () => [],
  });
  assert.equal((await fetch(running.portal)).status, 200);
  const mayClose = Promise.withResolvers<undefined>();
  const held = context.mock.method(HttpsServer.prototype, 'close', function (this: HttpsServer, closed: () => void) {
    void mayClose.promise.then(() => {
      held.mock.restore();
      this.close(closed);
    });
    return this;
  });
  const closed = running.close();
  try {
    await assert.rejects(fetch(running.portal));
  } finally {
    mayClose.resolve(undefined);
    await closed;
  }
});
