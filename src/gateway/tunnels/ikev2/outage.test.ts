// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BEHIND, type Ikev2Lab, openIkev2Lab } from '../../../../proof/labs/ikev2/lab.os.ts';
import { waitUntil } from '../../../core/clock/until.ts';
import type { Namespace } from '../../../host/namespaces/namespace.os.ts';

// What happens when the agent or charon is killed.

const ALICE = { username: 'alice', password: 'wonderland' };
const BOB = { username: 'bob', password: 'the builder' };
let lab: Ikev2Lab;

before(async () => {
  lab = await openIkev2Lab({ customers: [ALICE, BOB], clients: 2 });
  await lab.startCharon();
  await lab.startAgent();
  await lab.startClient(0, ALICE.username, ALICE.password);
  await lab.startClient(1, BOB.username, BOB.password);
});

after(() => lab.close());

function ping(index: number): Promise<string> {
  return (lab.clients[index] as Namespace).run(['ping', '-c3', '-i0.05', '-W20', '-s', '1000', BEHIND.four]);
}

async function killed(child: typeof lab.agent): Promise<void> {
  child?.signal('SIGKILL');
  await child?.exited;
}

test('without an agent sessions go on and newcomers are refused; a new agent takes over with all bytes', async () => {
  await lab.connect(0);
  await ping(0);
  await killed(lab.agent);
  await ping(0);
  await assert.rejects(lab.connect(1), /AUTH_FAILED/);
  await ping(0);
  await lab.startAgent();
  await waitUntil('the session is taken over', () => lab.count('admitted') === 2);
  await lab.connect(1);
  await ping(0);
  await waitUntil('all bytes are counted', () =>
    lab.told.some((one) => 'totalBytes' in one && one.totalBytes > 24_000),
  );
  await lab.disconnect(0);
  await waitUntil('the session ends', () => lab.count('used') === 1);
  assert.ok(lab.bytes('used') > 24_000);
  await lab.disconnect(1);
  await waitUntil('both sessions end', () => lab.count('used') === 2);
});

test('when charon is killed its sessions end with what was counted, and a new charon is served', async () => {
  await lab.connect(0);
  await ping(0);
  await waitUntil('bytes are counted', () => lab.bytes('progress') > 6000);
  await killed(lab.charon);
  await waitUntil('the session ends', () => lab.count('used') === 3);
  assert.ok(lab.bytes('used') > 6000);
  await waitUntil('charon is missed', () => lab.agentSaid().includes('daemon_lost'));
  const served = lab.count('serving');
  await lab.startCharon();
  await waitUntil('charon is served', () => lab.count('serving') > served);
  assert.match(lab.agentSaid(), /daemon_lost.*daemon_found/s);
  const admitted = lab.count('admitted');
  await lab.connect(1);
  await waitUntil('a newcomer is admitted', () => lab.count('admitted') > admitted);
  await ping(1);
});
