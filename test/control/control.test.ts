// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { storedTag } from '../../proof/labs/control/stored-tag.ts';
import { GATEWAY_TOKEN, type TemporaryConfig, temporaryConfig } from '../../proof/labs/control/test-control.os.ts';
import { openTemporaryDatabase, type TemporaryDatabase } from '../../proof/labs/database/temporary.os.ts';
import { parseControlConfig } from '../../src/control/program/config.ts';
import type { ControlContext } from '../../src/control/program/control.ts';
import { listHeavyUsers } from '../../src/control/program/heavy.cli.ts';
import { controlStartProblem, loadControl, runControl } from '../../src/control/program/program.os.ts';
import { usageTagOf } from '../../src/control/usage/tag.ts';
import { storeBatch } from '../../src/control/usage/usage.store.ts';
import { type EpochDay, isoDate, systemClock, today } from '../../src/core/clock/clock.ts';
import { RecordingJournal } from '../../src/core/journal/journal.ts';
import { systemRandom } from '../../src/core/random/random.ts';
import { FleetClient } from '../../src/gateway/agent/fleet-client.os.ts';
import { watchParent } from '../../src/host/processes/privileges.os.ts';

let database: TemporaryDatabase;
let temporary: TemporaryConfig;
before(async () => {
  database = await openTemporaryDatabase();
  temporary = await temporaryConfig(database.server.socket);
});
after(async () => {
  await database.close();
  temporary.remove();
});

function load(change: object) {
  return loadControl(temporary.changed(change));
}

function contextOf(change: object): ControlContext {
  const loaded = load(change);
  assert.ok('config' in loaded);
  const journal = new RecordingJournal();
  return { ...loaded, release: '0.1.0', clock: systemClock, random: systemRandom, journal, render: () => [] };
}

/** Why the service does not open, in the words of the program. */
async function refusal(change: object): Promise<string> {
  try {
    await runControl(contextOf(change));
  } catch (error) {
    return controlStartProblem(error);
  }
  throw new assert.AssertionError({ message: 'the service opened' });
}

test('portal, API and fleet answer on their ports, and close', async () => {
  const running = await runControl(contextOf({}));
  try {
    assert.match(await (await fetch(`${running.portal}/`)).text(), /Create an account/);
    assert.equal((await fetch(`${running.portal}/openapi.json`)).status, 200);
    assert.equal((await fetch(`${running.portal}/api/v1/accounts`, { method: 'POST' })).status, 201);
    const ca = running.control.services.profile.caCertificate;
    const client = new FleetClient({ controlUrl: running.fleet ?? '', ca, token: GATEWAY_TOKEN });
    const file = await client.fetch('/fleet/v1/authfile', undefined, { bytes: 100_000 });
    assert.ok(typeof file === 'object');
    assert.equal(await client.fetch('/fleet/v1/authfile', file.etag, { bytes: 100_000 }), 'unchanged');
    const stranger = new FleetClient({ controlUrl: running.fleet ?? '', ca, token: 'b'.repeat(43) });
    assert.equal(await stranger.fetch('/fleet/v1/authfile', undefined, { bytes: 100_000 }), 'away');
    client.close();
    stranger.close();
    const port = Number(new URL(running.portal).port);
    const taken = await refusal({ listen: { address: '127.0.0.1', port } });
    assert.equal(taken, `Cannot listen on 127.0.0.1 port ${port} (EADDRINUSE).`);
  } finally {
    await running.close();
  }
  await assert.rejects(fetch(`${running.portal}/openapi.json`));
});

test('a request head full of junk ends the connection, not the program', async () => {
  const running = await runControl(contextOf({ fleet: undefined, listen: { address: '::1', port: 0 } }));
  try {
    assert.match(running.portal, /^http:\/\/\[::1\]:\d+$/);
    const { port } = new URL(running.portal);
    for (const junk of [
      '\0\x01\x02\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n\r\n`,
    ]) {
      assert.match(await raw(Number(port), junk), /^HTTP\/1\.1 (400|431|505) /);
    }
    const huge = { authorization: `Bearer ${'a'.repeat(10_000)}` };
    assert.equal((await fetch(`${running.portal}/api/v1/licence`, { headers: huge })).status, 401);
  } finally {
    await running.close();
  }
});

function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(port, '::1', () => socket.end(text));
    socket.setEncoding('latin1').on('data', (piece: string) => {
      answer += piece;
    });
    socket.once('error', reject).once('close', () => resolve(answer));
  });
}

test('without a fleet, portal and API run alone', async () => {
  const running = await runControl(contextOf({ fleet: undefined }));
  try {
    assert.equal(running.fleet, undefined);
    const locations = await fetch(`${running.portal}/api/v1/locations`);
    assert.deepEqual(((await locations.json()) as { locations: unknown }).locations, []);
  } finally {
    await running.close();
  }
});

test('what keeps the service from opening is one sentence, and holds no value', async () => {
  assert.match(await refusal({ database: '/nowhere' }), /^The database does not answer/);
  const { config } = temporary;
  const fleet = { ...config.fleet, key: config.tlsCryptKey };
  assert.equal(await refusal({ fleet }), 'The program could not start.');
  await sql`alter table accounts add column source_ip inet`.execute(database.db);
  try {
    assert.match(await refusal({}), /declares: accounts\.source_ip is not in the inventory\.$/);
  } finally {
    await sql`alter table accounts drop column source_ip`.execute(database.db);
  }
  await database.db.insertInto('migrations').values({ number: 1000 }).execute();
  try {
    assert.match(await refusal({}), /newer version/);
  } finally {
    await database.db.deleteFrom('migrations').where('number', '=', 1000).execute();
  }
});

test('heavy users are printed as JSON lines', async () => {
  const { material, ...context } = contextOf({ fleet: undefined });
  const running = await runControl({ ...context, material });
  try {
    const made = await running.control.services.accounts.signUp();
    assert.ok(typeof made !== 'string');
    await running.control.services.credentials.rotate(made.customer);
    const rows = await database.db
      .selectFrom('credentials')
      .where('licence', '=', made.customer.licence.id)
      .selectAll()
      .execute();
    const date = isoDate(today(systemClock));
    const tag = usageTagOf(material.usageKey, rows[0]?.name_key ?? new Uint8Array());
    const user = await storedTag(database.db, material.usageKey, date, tag);
    const event = { date, user, country: 'CH', isp: 'unknown', megabytes: 9, location: 'ch-zrh' };
    await storeBatch(database.db, 'heavy-batch', 0 as EpochDay, [{ ...event, protocol: 'ikev2' }]);
    const listed = await listHeavyUsers(context.config, material, 0 as EpochDay);
    assert.equal(listed, `{"licence":${made.customer.licence.id},"megabytes":9}\n`);
  } finally {
    await running.close();
  }
});

test('a parent that is gone is noticed once', async () => {
  let parent = 100;
  let calls = 0;
  const gone = new Promise<void>((resolve) => {
    watchParent(
      () => {
        calls += 1;
        resolve();
      },
      () => parent,
      5,
    );
  });
  parent = 1;
  await gone;
  assert.equal(calls, 1);
  watchParent(assert.fail)();
});

test('a file that cannot be used is named by its setting', () => {
  const problem = (change: object) => {
    const loaded = load(change);
    assert.ok('problem' in loaded);
    return loaded.problem;
  };
  const { keys, fleet } = temporary.config;
  assert.equal(problem({ tlsCryptKey: '/nowhere' }), 'tlsCryptKey: the file cannot be read');
  const usage = temporary.file('short', 'AAAA');
  assert.equal(problem({ keys: { ...keys, usage } }), 'keys.usage: the file is not 32 bytes in base64');
  const authfile = temporary.file('no-key', 'secret words');
  assert.equal(problem({ keys: { ...keys, authfile } }), 'keys.authfile: the file is not a private key in PEM');
  const expected = fleet?.key;
  assert.equal(problem({ keys: { ...keys, expected } }), 'keys.expected: the file is not an Ed25519 key');
  assert.equal(problem({ colour: 'red' }), 'line 1: colour: unknown key');
  assert.deepEqual(loadControl('/nowhere'), { problem: 'The configuration file cannot be read.' });
});

test('a configuration is refused with the line and never with the value', () => {
  const { config } = temporary;
  const problem = (change: (text: string) => string): string => {
    const parsed = parseControlConfig(change(JSON.stringify(config, null, 1)));
    assert.ok('problem' in parsed);
    return parsed.problem;
  };
  assert.match(
    problem((text) => text.replace('"name": "Lethe"', '"name": "Lethe",\n "shade": "x"')),
    /^line 3: shade: unknown key$/,
  );
  assert.match(
    problem((text) => text.replace('"port": 0', '"port": "hunter2"')),
    /^line \d+: listen\.port: must be (int|number)$/,
  );
  assert.match(
    problem((text) => text.replace('"location": "ch-zrh"', '"location": "se-sto"')),
    /a location that/,
  );
  assert.match(
    problem((text) => text.replace('"zrh-01.lethe.test"', '"Zürich 1"')),
    /^line \d+: fleet\.gateways\.0\.name: must be a DNS name$/,
  );
  assert.match(
    problem(() => '{'),
    /^line 1: not JSON/,
  );
  const twice = {
    ...config,
    fleet: { ...config.fleet, gateways: [...(config.fleet?.gateways ?? []), ...(config.fleet?.gateways ?? [])] },
  };
  assert.match(
    problem(() => JSON.stringify(twice)),
    /two gateways have the same name/,
  );
});
