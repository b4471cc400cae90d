// SPDX-License-Identifier: AGPL-3.0-or-later
// Needs root.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { waitUntil } from '../../src/core/clock/until.ts';
import { type Child, spawnChild } from '../../src/host/processes/process.os.ts';
import { untilSays } from '../../src/host/processes/ready.os.ts';
import { controlCommand } from '../../src/onebox/control.os.ts';
import { type TemporaryConfig, temporaryConfig } from '../labs/control/test-control.os.ts';
import { visitorAt } from '../labs/customers/visitor.ts';
import { NOBODY, openTemporaryDatabase, type TemporaryDatabase } from '../labs/database/temporary.os.ts';
import { Hunt } from './hunt.os.ts';
import { marked } from './marker.ts';

// Control, started as ./lethe up starts it, and what it still holds of what it has shown.

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

const CUSTOMERS = 33;
/** Copies of all secrets together that may be left once control rests: a register, a stack, a page that V8 keeps. */
const LEFT = 4;

async function start(): Promise<{ child: Child; portal: string }> {
  const { argv, env } = controlCommand(temporary.changed({ user: NOBODY, fleet: undefined }));
  const child = spawnChild(argv, { env });
  const [, line = ''] = await untilSays(child, 'control', /^(.*)\n/);
  return { child, portal: (JSON.parse(line) as { portal: string }).portal };
}

/** A customer who signs up, keeps the number, leaves, mistypes the number and comes back. Plants what was shown. */
async function customer(portal: string, hunt: Hunt): Promise<void> {
  const visitor = visitorAt(portal);
  const { accountNumber, username, password, ikePassword } = await visitor.signUp();
  hunt.plant(
    marked('account number', accountNumber),
    marked('account number without dashes', accountNumber.replaceAll('-', '')),
    marked('VPN username', username),
    marked('VPN password', password),
    marked('IKEv2 password', ikePassword),
  );
  await visitor.submit('/account/kept', { username: accountNumber, password: accountNumber });
  await visitor.submit('/sign-out');
  await visitor.submit('/sign-in', { number: `${accountNumber}X` }, 422);
  await visitor.submit('/sign-in', { number: accountNumber.toLowerCase() });
}

/** The same by the API. */
async function app(portal: string, hunt: Hunt): Promise<void> {
  const ask = async (path: string, body?: object): Promise<unknown> => {
    const json =
      body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
    return (await fetch(`${portal}/api/v1/${path}`, { method: 'POST', ...json })).json();
  };
  const made = (await ask('accounts')) as { account_number: string; credentials: Record<string, string> };
  hunt.plant(marked('account number', made.account_number));
  for (const [name, secret] of Object.entries(made.credentials)) hunt.plant(marked(name, secret));
  await ask('sign-ins', { account_number: made.account_number });
}

test('half a minute after the last of many sign-ups control holds next to nothing of what it has shown', async () => {
  const hunt = new Hunt();
  const { child, portal } = await start();
  const target = { kind: 'process', name: 'control', pid: child.pid, owner: 'own' } as const;
  // It is held meanwhile: a search takes longer than control rests.
  const copies = async () => {
    child.signal('SIGSTOP');
    const [memory] = await hunt.look('+1 s', [target]).finally(() => child.signal('SIGCONT'));
    return { count: memory?.hits.reduce((sum, { count }) => sum + count, 0) ?? 0, hits: memory?.hits };
  };
  try {
    let most = 0;
    for (let made = 0; made < CUSTOMERS; made += 1) {
      await customer(portal, hunt);
      if (made % 3 === 0) await app(portal, hunt);
      if (made % 8 === 7) most = Math.max(most, (await copies()).count);
    }
    assert.ok(most > 5 * LEFT, `the search sees what is there while customers come: ${most}`);
    await delay(12_000);
    // What came last lies in Node's buffer for requests until the next request is longer.
    const next = await fetch(`${portal}/sign-in`, {
      method: 'POST',
      body: new URLSearchParams({ number: '-'.repeat(8000) }),
    });
    assert.equal(next.status, 422);
    await next.text();
    await waitUntil('it is forgotten', async () => (await copies()).count <= LEFT, 20_000, 2000).catch(() => undefined);
    const { count, hits } = await copies();
    assert.ok(count <= LEFT, `${count} copies: ${JSON.stringify(hits)}`);
  } finally {
    await child.stop();
  }
});
