// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { EpochDay } from '../core/clock/clock.ts';
import { isoDate, systemClock, today } from '../core/clock/clock.ts';
import { type Child, run, spawnChild } from '../host/processes/process.os.ts';
import { untilSays } from '../host/processes/ready.os.ts';
import { EXIT } from '../host/terminal/exit.ts';

const LETHE = fileURLToPath(new URL('../../cmd/lethe.ts', import.meta.url));
const data = mkdtempSync(join(tmpdir(), 'lethe-account-'));
let service: Child;
let api = '';

before(async () => {
  service = await start(data);
});

async function start(directory: string): Promise<Child> {
  const argv = [LETHE, 'up', '--data', directory, '--no-gateway', '--listen', '127.0.0.1:0'];
  const started = spawnChild([process.execPath, ...argv]);
  const [, portal = ''] = await untilSays(started, 'up', /Portal {3}(http:\/\/127\.0\.0\.1:\d+)/);
  api = `${portal}/api/v1`;
  return started;
}

after(async () => {
  await service.stop(120_000);
  rmSync(data, { recursive: true });
});

async function command(words: readonly string[], stdin: string) {
  const said = { stdout: '', stderr: '' };
  const child = spawnChild([process.execPath, LETHE, 'account', ...words], {
    stdin,
    onOutput: (text, stream) => {
      said[stream] += text;
    },
  });
  const { code } = await child.exited;
  return { code, ...said };
}

const ask = (words: readonly string[], stdin: string) => command([...words, '--data', data], stdin);

test('an operator sees, extends and closes the account whose number a customer gives', async () => {
  const signedUp = (await (await fetch(`${api}/accounts`, { method: 'POST' })).json()) as {
    account_number: string;
    token: string;
  };
  const number = `${signedUp.account_number}\n`;
  const shown = await ask(['show', '--json'], number);
  assert.equal(shown.code, 0, shown.stderr);
  const before = JSON.parse(shown.stdout) as { expires_on: string };
  assert.deepEqual(before, { state: 'open', expires_on: before.expires_on, seats: 5, trial: true, devices: 0 });

  const extended = await ask(['extend', '--days', '31'], signedUp.account_number.toLowerCase());
  const day = isoDate((today(systemClock) + 30 + 31) as EpochDay);
  assert.deepEqual(extended, {
    code: 0,
    stdout: `Paid until ${day}. 5 connections at once, 0 WireGuard keys.\n`,
    stderr: '',
  });
  const headers = { authorization: `Bearer ${signedUp.token}` };
  const licence = (await (await fetch(`${api}/licence`, { headers })).json()) as { expires_on: string };
  assert.equal(licence.expires_on, day);

  const unconfirmed = await ask(['close'], number);
  assert.equal(unconfirmed.code, EXIT.unconfirmed);
  assert.match(unconfirmed.stderr, /for good\. Say --yes/);
  assert.match((await ask(['close', '--yes'], number)).stdout, /is closed, and forgotten/);
  assert.equal((await fetch(`${api}/licence`, { headers })).status, 401);
  const gone = await ask(['show'], number);
  assert.deepEqual([gone.code, gone.stderr], [EXIT.failed, 'lethe: There is no account with that number.\n']);
  assert.doesNotMatch(service.output(), /failed/);
});

test('a copy of the data directory of a stopped service is the same service again', async () => {
  const copy = mkdtempSync(join(tmpdir(), 'lethe-restored-'));
  const { account_number } = (await (await fetch(`${api}/accounts`, { method: 'POST' })).json()) as {
    account_number: string;
  };
  await service.stop(120_000);
  try {
    const archive = join(copy, 'backup.tar.gz');
    await run(['tar', '-C', dirname(data), '-czf', archive, basename(data)]);
    await run(['tar', '-C', copy, '--same-owner', '-xpzf', archive]);
    chmodSync(copy, 0o711);
    service = await start(join(copy, basename(data)));
    const shown = await command(['show', '--data', join(copy, basename(data))], account_number);
    assert.match(shown.stdout, /^Trial until /, shown.stderr);
    await service.stop(120_000);
  } finally {
    rmSync(copy, { recursive: true });
  }
  service = await start(data);
});

test('what makes no sense is refused, and no number is repeated', async () => {
  for (const [words, stdin, code, sentence] of [
    [['show'], '', EXIT.usage, 'That is not an account number. It has 20 letters and digits.'],
    [['show'], 'ABCD-EFGH-JKMN-PQRS-TVWX\n', EXIT.usage, 'That account number has a mistake in it'],
    [['show'], 'x'.repeat(10_000), EXIT.usage, 'That is not an account number'],
    [['extend', '--days', '0'], '', EXIT.usage, '--days: write how many days to add, 1 to 3660.'],
    [['extend', '--days', 'x'], '', EXIT.usage, '--days: write how many days'],
    [['extend'], '', EXIT.usage, "required option '--days <number>' not specified"],
  ] as const) {
    const answer = await ask(words, stdin);
    assert.deepEqual([answer.code, answer.stdout], [code, ''], answer.stderr);
    assert.ok(answer.stderr.includes(sentence), answer.stderr);
    assert.doesNotMatch(answer.stderr, /ABCD|xxxx/);
  }
  const stopped = await command(['show', '--data', join(data, 'absent')], '');
  assert.equal(stopped.code, EXIT.notRunning);
});
