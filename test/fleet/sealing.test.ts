// SPDX-License-Identifier: AGPL-3.0-or-later
// Needs root.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type TemporaryConfig, temporaryConfig } from '../../proof/labs/control/test-control.os.ts';
import { NOBODY, openTemporaryDatabase, type TemporaryDatabase } from '../../proof/labs/database/temporary.os.ts';
import { loadSealingThread, SealingThread } from '../../src/control/fleet/sealing.os.ts';
import { parseControlConfig } from '../../src/control/program/config.ts';
import { readMaterial } from '../../src/control/program/material.os.ts';
import { systemClock, today } from '../../src/core/clock/clock.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import { RecordingJournal } from '../../src/core/journal/journal.ts';
import { type Child, spawnChild } from '../../src/host/processes/process.os.ts';
import { untilSays } from '../../src/host/processes/ready.os.ts';
import { supervise } from '../../src/onebox/supervisor.ts';

// The thread that makes auth files dies, in a service whose user may read the program's files and in one whose user may not.

const REPOSITORY = join(import.meta.dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 'lethe-closed-'));
const CLOSED = join(directory, 'closed');
const CHECKOUT = join(CLOSED, 'checkout');
let database: TemporaryDatabase;
let temporary: TemporaryConfig;
before(async () => {
  mkdirSync(CHECKOUT, { recursive: true });
  chmodSync(CLOSED, 0o700);
  database = await openTemporaryDatabase([NOBODY.uid]);
  temporary = await temporaryConfig(database.server.socket);
});
after(async () => {
  await database.close();
  temporary.remove();
  // Never what may be mounted there.
  for (const empty of [CHECKOUT, CLOSED, directory]) rmdirSync(empty);
});

/** Gives a program a signal at which its threads die. */
const MORTAL = `
  import threads from 'node:worker_threads';
  import { syncBuiltinESMExports } from 'node:module';
  const { Worker } = threads;
  threads.Worker = class extends Worker {
    constructor(...words) {
      super(...words);
      process.on('SIGUSR2', () => void this.terminate());
    }
  };
  syncBuiltinESMExports();
`;

/** Control from the checkout, or from the same below a directory that only root may enter. */
async function control(below: 'open' | 'closed'): Promise<Child> {
  const place = below === 'open' ? REPOSITORY : CHECKOUT;
  const enter = ['unshare', '--mount', 'sh', '-ec', 'mount --bind "$0" "$1"; shift; exec "$@"', REPOSITORY, place];
  const program = [process.execPath, '--import', `data:text/javascript,${encodeURIComponent(MORTAL)}`];
  const words = ['--config', temporary.changed({ user: NOBODY, fleet: undefined }, `${below}.json`)];
  const child = spawnChild([...(below === 'open' ? [] : enter), ...program, join(place, 'cmd/control.ts'), ...words]);
  await untilSays(child, 'control', /"started"/);
  return child;
}

test('control whose thread died and cannot be loaded again ends, says why, and is started again', async () => {
  const journal = new RecordingJournal();
  const start = () => control('closed');
  const supervised = await supervise({ name: 'control', journal, clock: systemClock, start });
  try {
    const first = supervised.child;
    first.signal('SIGUSR2');
    assert.deepEqual(await first.exited, { code: 1, signal: null });
    assert.match(first.output(), /\{"code":"failed","program":"control","failure":"sealing_thread"\}\n$/);
    await waitUntil('it is back', () => journal.codes().includes('daemon_found'));
    assert.deepEqual(journal.codes(), ['daemon_lost', 'daemon_found']);
    assert.match(supervised.child.output(), /"started"/);
  } finally {
    await supervised.stop();
  }
  assert.match(supervised.child.output(), /\{"code":"stopped","program":"control"\}\n$/, 'its own end is no failure');
});

test('control that may read its files has another thread, and goes on', async () => {
  const { db } = database;
  const version = async () => (await db.selectFrom('authfile').select('version').executeTakeFirstOrThrow()).version;
  const child = await control('open');
  try {
    const before = await version();
    child.signal('SIGUSR2');
    await waitUntil('another file is made', async () => (await version()) > before);
    assert.equal(child.running, true);
  } finally {
    assert.deepEqual(await child.stop(), { code: 0, signal: null });
  }
  assert.doesNotMatch(child.output(), /failed/);
});

test('a thread that dies over a file fails it at once, and is not waited for', async () => {
  const config = parseControlConfig(JSON.stringify(temporary.config));
  assert.ok(!('problem' in config));
  const { usageKey, authfileKey: signingKey } = readMaterial(config);
  const { salt } = await database.db.selectFrom('authfile').select('salt').executeTakeFirstOrThrow();
  const parts = { place: database.server.socket, usageKey, signingKey, salt: new Uint8Array(salt) as never };
  let deaths = 0;
  const loaded = await loadSealingThread();
  await using thread = new SealingThread(parts, { loaded, died: () => void (deaths += 1) });
  const sealing = thread.seal(today(systemClock));
  await Promise.all([assert.rejects(sealing, /abort/i), loaded.terminate()]);
  assert.ok((await thread.seal(today(systemClock))).version > 0);
  assert.equal(deaths, 1);
});
