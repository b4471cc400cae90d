// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { marked, markedAddress, patternsOf, randomWord } from '../../../../proof/hunt/marker.ts';
import { Matcher } from '../../../../proof/hunt/matcher.ts';
import { searchMemory } from '../../../../proof/hunt/memory.os.ts';
import { Tally } from '../../../../proof/hunt/place.ts';
import { BEHIND, clientAddress, type Ikev2Lab, openIkev2Lab } from '../../../../proof/labs/ikev2/lab.os.ts';
import { waitUntil } from '../../../core/clock/until.ts';
import { systemRandom } from '../../../core/random/random.ts';
import type { Namespace } from '../../../host/namespaces/namespace.os.ts';
import { type Child, spawnChild } from '../../../host/processes/process.os.ts';

// A real charon on the gateway, the agent beside it, stock charons as customers.

const ALICE = { username: randomWord(systemRandom), password: randomWord(systemRandom), seats: 1 };
const LATE = { username: 'late-customer', password: 'paid until yesterday', validFor: -1 };
let lab: Ikev2Lab;

before(async () => {
  const user = { uid: 61_002, gid: 61_002 };
  lab = await openIkev2Lab({ customers: [ALICE, LATE], clients: 4, user, wiping: true });
  await lab.startCharon();
  await lab.startAgent();
  await lab.startClient(0, ALICE.username, ALICE.password);
  await lab.startClient(1, ALICE.username, ALICE.password);
  await lab.startClient(2, ALICE.username, 'not the password');
  await lab.startClient(3, LATE.username, LATE.password);
});

after(() => lab.close());

function ping(index: number, address: string, bytes = 56): Promise<string> {
  return (lab.clients[index] as Namespace).run(['ping', '-c3', '-i0.05', '-W20', '-s', String(bytes), address]);
}

async function connected(): Promise<void> {
  const before = lab.count('established');
  assert.match(await lab.connect(0), /initiate completed successfully/);
  await waitUntil('the session is established', () => lab.count('established') > before);
}

/** Does what ends the session, and gives what its usage event is made of. */
async function total(end: () => Promise<void> = () => lab.disconnect(0)): Promise<number> {
  const before = lab.count('used');
  await end();
  await waitUntil('the session ends', () => lab.count('used') > before);
  return lab.bytes('used');
}

test('a customer reaches the gateway and the Internet, over IPv4 and IPv6, and what was carried is counted', async () => {
  await connected();
  for (const address of [lab.plan.service4, BEHIND.four, lab.plan.service6, BEHIND.six]) await ping(0, address, 1000);
  // Twelve packets each way, of 1000 bytes and their headers.
  await waitUntil('bytes are counted', () => lab.bytes('progress') > 24_000);
  const carried = await total();
  assert.ok(carried > 24_000 && carried < 40_000, String(carried));
});

test('the agent never holds name, address or password, and charon none of them once the customer has left', async () => {
  const markers = [
    marked('username', ALICE.username),
    marked('password', ALICE.password),
    markedAddress('address', clientAddress(0)),
  ];
  const look = (child: Child | undefined) => {
    const tally = new Tally(new Matcher(markers.flatMap((marker) => patternsOf(marker))));
    assert.equal(searchMemory(child?.pid ?? 0, tally), 'searched');
    return tally.hits();
  };
  await connected();
  try {
    const names = new Set(look(lab.charon).map((hit) => hit.marker));
    assert.ok(names.has('username') && names.has('address'), 'the search does not even find it in charon');
    // Lists of sessions have come and gone since.
    await delay(700);
    assert.deepEqual(look(lab.agent), []);
  } finally {
    await total();
  }
  await waitUntil('charon has forgotten', () => look(lab.charon).length === 0);
  assert.deepEqual(look(lab.agent), []);
});

test('the second connection of a licence for one is refused, and the client says why', async () => {
  await connected();
  const before = lab.count('refused');
  await assert.rejects(lab.connect(1), /all-connections-of-this-licence-are-in-use/);
  assert.equal(lab.count('refused'), before + 1);
  assert.equal(lab.count('used'), lab.count('established') - 1);
  await total();
});

test('a wrong password and an expired licence are refused, the client says why, and no session was there', async () => {
  const before = lab.told.length;
  await assert.rejects(lab.connect(2), /wrong-username-or-password/);
  assert.equal(lab.told.length, before);
  await assert.rejects(lab.connect(3), /licence-expired/);
  assert.deepEqual(lab.told.slice(before), [{ told: 'refused' }]);
});

test('a session that the service ends is gone at the client too', async () => {
  await connected();
  assert.match(await lab.swanctl(0, '--list-sas'), /ESTABLISHED/);
  await total(async () => lab.agent?.signal('SIGUSR2'));
  assert.doesNotMatch(await lab.swanctl(0, '--list-sas'), /ESTABLISHED/);
});

/** Makes new keys and waits until they are the only ones: charon gives each set another number. */
async function rekeyed(kind: '--child' | '--ike', name: string): Promise<void> {
  const numbers = async () => {
    const listed = await lab.swanctl(0, '--list-sas');
    return [...listed.matchAll(new RegExp(`^ *${name}: #(\\d+), `, 'gm'))].map(([, number]) => Number(number));
  };
  const [before] = await numbers();
  await lab.swanctl(0, '--rekey', kind, name);
  await waitUntil('there are new keys', async () => {
    const [now, ...others] = await numbers();
    return now !== undefined && now !== before && others.length === 0;
  });
}

test('rekeying keeps the session and loses no bytes', async () => {
  await connected();
  await ping(0, BEHIND.four, 1000);
  await waitUntil('bytes are counted', () => lab.bytes('progress') > 6000);
  const sessions = lab.count('admitted');
  await rekeyed('--child', 'net');
  await ping(0, BEHIND.four, 1000);
  await rekeyed('--ike', 'home');
  await ping(0, BEHIND.four, 1000);
  await waitUntil('bytes add up', () => lab.bytes('progress') > 18_000);
  assert.ok((await total()) > 18_000);
  assert.equal(lab.count('admitted'), sessions);
});

test('charon opens no file for writing while a customer comes and goes', async () => {
  const trace = join(lab.directory, 'trace');
  writeFileSync(trace, '');
  const calls = 'trace=open,openat,creat,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,link,linkat,truncate';
  const pid = String(lab.charon?.pid);
  const strace = spawnChild(['strace', '-f', '-qq', '-e', calls, '-o', trace, '-p', pid]);
  try {
    await waitUntil('strace is attached', () =>
      readFileSync(`/proc/${pid}/status`, 'utf8').includes(`TracerPid:\t${strace.pid}`),
    );
    await connected();
    await ping(0, BEHIND.four);
    await total();
  } finally {
    await strace.stop();
  }
  const writing = readFileSync(trace, 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !/^\d+ +open(at)?\(.*O_RDONLY/.test(line) && !/^\d+ +(\+\+\+|---)/.test(line));
  assert.deepEqual(writing, []);
  assert.equal(lab.charon?.output(), '');
});
