// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { systemRandom } from '../../src/core/random/random.ts';
import { openTemporaryDatabase, type TemporaryDatabase } from '../labs/database/temporary.os.ts';
import { findLeaks, type Sinks } from './leaks.os.ts';
import { openTraffic, type Traffic } from './traffic.os.ts';

let database: TemporaryDatabase;
let traffic: Traffic;
let sinks: Sinks;

before(async () => {
  database = await openTemporaryDatabase();
  traffic = await openTraffic();
  sinks = {
    directory: mkdtempSync(join(tmpdir(), 'lethe-leaks-')),
    database: {
      sql: (statement) => sql.raw(statement).execute(database.db),
      directory: database.server.socket.replace(/run$/, 'data'),
    },
    traffic: { say: traffic.say, recorded: traffic.relay.recorded },
  };
});

after(async () => {
  await Promise.all([database.close(), traffic.close()]);
  rmSync(sinks.directory, { recursive: true });
});

test('every leak that is made on purpose is found, and nothing of it stays', async () => {
  const results = await findLeaks(sinks, systemRandom);
  assert.ok(results.length >= 12);
  assert.deepEqual(
    results.filter(({ found }) => !found).map(({ name }) => name),
    [],
  );
  assert.deepEqual(readdirSync(sinks.directory), []);
  await assert.rejects(sql.raw('SELECT * FROM lethe_hunt_control').execute(database.db), /does not exist/);
});

test('a hunt that does not look into a sink is told so', async () => {
  const deaf = { say: traffic.say, recorded: () => new Uint8Array(0) };
  const blind = { sql: sinks.database.sql, directory: sinks.directory };
  const results = await findLeaks({ ...sinks, traffic: deaf, database: blind }, systemRandom);
  const missed = results.filter(({ found }) => !found).map(({ name }) => name);
  assert.equal(missed.length, 6);
  assert.ok(missed.includes('base64 in a message to control') && missed.includes('a row in a table'));
});
