// SPDX-License-Identifier: AGPL-3.0-or-later
// Needs root.
import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sql } from 'kysely';
import { NOBODY } from '../../../proof/labs/database/temporary.os.ts';
import { run } from '../../host/processes/process.os.ts';
import { connect } from './connect.os.ts';
import {
  PostgresError,
  type PostgresFailure,
  type PostgresOptions,
  refuseLogging,
  startPostgres,
} from './postgres.os.ts';
import { renderSettings, settings } from './settings.ts';
import { databaseIsAway } from './unavailable.ts';

/** Owners that the same names had on another machine, and whom a copy that keeps no owners leaves. */
const ELSEWHERE = { uid: 4321, gid: 4321 };
const ROOT = { uid: 0, gid: 0 };
let directory: string;
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'lethe-postgres-'));
  chmodSync(directory, 0o711);
});
after(() => rmSync(directory, { recursive: true }));

async function refused(options: PostgresOptions, code: PostgresFailure): Promise<void> {
  await assert.rejects(
    startPostgres(options),
    (error: unknown) => error instanceof PostgresError && error.code === code,
  );
}

test('data survives a stop and a kill -9; nothing listens on the network and nothing is logged', async () => {
  const options = { directory: join(directory, 'whole'), user: NOBODY };
  const first = await startPostgres(options);
  let db = connect(first.socket);
  await sql`create table kept (number integer)`.execute(db);
  await sql`insert into kept values (1)`.execute(db);
  const { rows } = await sql<{ user: string; super: boolean; port: string }>`
    select current_user as user, usesuper as super, current_setting('listen_addresses') as port
    from pg_user where usename = current_user`.execute(db);
  assert.deepEqual(rows, [{ user: 'lethe', super: false, port: '' }]);
  await refused(options, 'already_running');
  await assert.rejects(sql`select * from nowhere where secret = 'x'`.execute(db), /nowhere/);
  await db.destroy();
  await first.stop();
  assert.equal(first.child.output(), '');

  const second = await startPostgres(options);
  db = connect(second.socket);
  await sql`insert into kept values (2)`.execute(db);
  second.child.signal('SIGKILL');
  await second.child.exited;
  await assert.rejects(sql`select 1`.execute(db), (error) => databaseIsAway(error));

  const third = await startPostgres(options);
  try {
    const kept = await sql<{ number: number }>`select number from kept order by number`.execute(db);
    assert.deepEqual(kept.rows, [{ number: 1 }, { number: 2 }]);
  } finally {
    await db.destroy();
    await third.stop();
  }
  const files = readdirSync(options.directory, { recursive: true, encoding: 'utf8' });
  assert.deepEqual(
    files.filter((file) => /\.log$|pg_log$|\/log\//.test(file)),
    [],
  );
  assert.match(readFileSync(`${options.directory}/data/PG_VERSION`, 'utf8'), /^18/);
  writeFileSync(join(options.directory, 'data', 'PG_VERSION'), '12\n');
  await refused(options, 'other_version');
});

test('what cannot work is refused in one sentence', async () => {
  await refused({ directory: join(directory, 'root') }, 'needs_user');
  await refused({ directory: join(directory, 'root'), user: { uid: 0, gid: 0 } }, 'needs_user');
  await refused({ directory: join(directory, 'x'.repeat(90)), user: NOBODY }, 'path_too_long');
  const shut = join(directory, 'shut');
  mkdirSync(shut, { mode: 0o700 });
  await refused({ directory: join(shut, 'in'), user: NOBODY }, 'unreachable_directory');
  const half = join(directory, 'half');
  mkdirSync(join(half, 'data', 'left over'), { recursive: true });
  await refused({ directory: half, user: NOBODY }, 'not_initialised');
  const nameless = { directory: join(directory, 'nameless'), user: NOBODY, clients: [61_234] };
  await refused(nameless, 'unnamed_user');
  rmSync(join(nameless.directory, 'data', 'global'), { recursive: true });
  await refused({ ...nameless, clients: [] }, 'not_ready');
  assert.ok(existsSync(join(nameless.directory, 'run')));
});

test('a data directory with anything in it that could log is refused, and the refusal names the file if it is ours', async () => {
  const options = { directory: join(directory, 'judged'), user: NOBODY };
  const data = join(options.directory, 'data');
  await (await startPostgres(options)).stop();
  const message = (sentence: RegExp) => (error: unknown) =>
    error instanceof PostgresError && error.code === 'may_log' && sentence.test(error.message);

  for (const name of ['conf.d', 'log']) {
    mkdirSync(join(data, name));
    await assert.rejects(
      startPostgres(options),
      message(/not started\. something in the data directory: nobody knows what this is\.$/),
    );
    rmSync(join(data, name), { recursive: true });
  }
  await (await startPostgres(options)).stop();
  assert.doesNotThrow(() => refuseLogging(data));
  renameSync(join(data, 'postgresql.conf'), join(directory, 'elsewhere.conf'));
  symlinkSync(join(directory, 'elsewhere.conf'), join(data, 'postgresql.conf'));
  assert.throws(() => refuseLogging(data), message(/postgresql\.conf: nobody knows what this is\.$/));
  renameSync(join(directory, 'elsewhere.conf'), join(data, 'postgresql.conf'));
  appendFileSync(join(data, 'postgresql.conf'), 'log_statement = all\n');
  assert.throws(() => refuseLogging(data), message(/postgresql\.conf, line \d+: log_statement must be none\.$/));
  rmSync(join(data, 'postgresql.auto.conf'));
  writeFileSync(join(data, 'postgresql.conf'), renderSettings(settings('/run')));
  assert.throws(() => refuseLogging(data), message(/postgresql\.auto\.conf: the file is not there\.$/));
});

test('a link that the database user planted is replaced: what it leads to is neither written nor given away', async () => {
  const options = { directory: join(directory, 'planted'), user: NOBODY };
  const data = join(options.directory, 'data');
  await (await startPostgres(options)).stop();
  const target = join(directory, 'of-root');
  writeFileSync(target, 'secret\n', { mode: 0o600 });
  const names = ['postgresql.conf', 'postgresql.auto.conf', 'pg_hba.conf', 'pg_ident.conf'];
  for (const name of names) {
    rmSync(join(data, name));
    symlinkSync(target, join(data, name));
    symlinkSync(target, join(data, `${name}.${process.pid}.unfinished`));
  }
  await (await startPostgres(options)).stop();
  assert.equal(readFileSync(target, 'utf8'), 'secret\n');
  assert.equal(lstatSync(target).uid, 0);
  for (const name of names) {
    const written = lstatSync(join(data, name));
    assert.deepEqual([written.isFile(), written.uid, written.mode & 0o777], [true, NOBODY.uid, 0o600], name);
  }
});

test('what the database user planted in the place of a file that is read is not read', async () => {
  const options = { directory: join(directory, 'read'), user: NOBODY };
  const data = join(options.directory, 'data');
  await (await startPostgres(options)).stop();
  const plant = (name: string) => {
    renameSync(join(data, name), join(directory, name));
    symlinkSync(join(directory, name), join(data, name));
  };
  // A reader that followed it would find the right version and go on.
  plant('PG_VERSION');
  await refused(options, 'not_initialised');
  rmSync(join(data, 'PG_VERSION'));
  renameSync(join(directory, 'PG_VERSION'), join(data, 'PG_VERSION'));
  await run(['mkfifo', join(data, 'postgresql.unread.conf')], { user: NOBODY });
  await refused(options, 'may_log');
});

test("a data directory of another user, as a backup leaves it, becomes the database user's, and nothing else does", async () => {
  const options = { directory: join(directory, 'restored'), user: NOBODY };
  const data = join(options.directory, 'data');
  await (await startPostgres(options)).stop();
  const victim = join(directory, 'victim');
  writeFileSync(victim, '', { mode: 0o600 });
  for (const owner of [ELSEWHERE, ROOT]) {
    await run(['chown', '--recursive', `${owner.uid}:${owner.gid}`, data]);
    symlinkSync(victim, join(data, 'base', 'planted'));
    await (await startPostgres(options)).stop();
    assert.equal(lstatSync(join(data, 'base', '1', 'PG_VERSION')).uid, NOBODY.uid);
    assert.equal(lstatSync(victim).uid, 0);
    rmSync(join(data, 'base', 'planted'));
  }
});

test('an absent database is told from a wrong statement', () => {
  assert.equal(databaseIsAway(Object.assign(new Error('x'), { code: '57P01' })), true);
  assert.equal(databaseIsAway(Object.assign(new Error('x'), { code: '23505' })), false);
  assert.equal(databaseIsAway(new Error('Connection terminated unexpectedly')), true);
  assert.equal(databaseIsAway('ECONNREFUSED'), false);
});
