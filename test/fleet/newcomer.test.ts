// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { TestAuthority } from '../../proof/labs/authority/authority.ts';
import { GATEWAY_TOKEN, openTestControl, type TestControl } from '../../proof/labs/control/test-control.os.ts';
import { INTERVALS } from '../../src/contracts/plan/agent-config.ts';
import { GATHERING } from '../../src/control/fleet/publisher.ts';
import { readMaterial } from '../../src/control/program/material.os.ts';
import { serveHttps } from '../../src/control/program/serve.os.ts';
import { systemClock } from '../../src/core/clock/clock.ts';
import { waitUntil } from '../../src/core/clock/until.ts';
import { RecordingJournal } from '../../src/core/journal/journal.ts';
import { systemRandom } from '../../src/core/random/random.ts';
import { ControlLink } from '../../src/gateway/agent/control-link.ts';
import { Documents } from '../../src/gateway/agent/documents.ts';
import { FleetClient } from '../../src/gateway/agent/fleet-client.os.ts';
import { Rounds } from '../../src/gateway/agent/rounds.ts';
import { CurrentAuthFile } from '../../src/gateway/authfile/current.ts';
import type { Listening } from '../../src/host/listening/listening.os.ts';

// Control and the part of an agent that asks it, over TLS, with the intervals of a real gateway.

let house: TestControl;
let fleet: Listening;
let authority: TestAuthority;
before(async () => {
  house = await openTestControl();
  authority = await TestAuthority.create();
  const { certificate: cert, key } = await authority.server('control.lethe.test', ['127.0.0.1']);
  const answer = house.control.fleetFetch;
  assert.ok(answer !== undefined);
  const crowd = { perSource: 4, strangers: 4, known: () => new Set<string>() };
  fleet = await serveHttps({ address: '127.0.0.1', port: 0, tls: { cert, key }, crowd }, answer);
});
after(async () => {
  await fleet.close();
  await house.close();
});

test('who has just signed up is let in at once, and not told for half a minute that the password is wrong', async () => {
  await using opened = new AsyncDisposableStack();
  const journal = new RecordingJournal();
  const client = new FleetClient({ controlUrl: fleet.url, ca: authority.certificate, token: GATEWAY_TOKEN });
  const link = new ControlLink(client, journal);
  const auth = new CurrentAuthFile(createPublicKey(readMaterial(house.config).authfileKey), journal);
  const documents = new Documents({
    link,
    auth,
    check: { offer: () => 'in_force', check: () => 'in_force' },
    interval: INTERVALS.fetch,
    elapsed: () => systemClock.elapsed(),
  });
  await documents.look(true);
  const rounds = new Rounds(systemRandom, journal);
  opened.defer(() => rounds.stop());
  opened.defer(() => link.close());
  rounds.start({ name: 'fetch', first: 0, interval: 10, run: () => documents.look() });
  await delay(200);

  const made = await house.control.services.accounts.signUp();
  assert.ok(typeof made !== 'string');
  const { username, password } = await house.control.services.credentials.rotate(made.customer);
  const bytes = Buffer.from(username + password);
  const known = () => auth.current?.login(bytes, 0, username.length, username.length, bytes.length) !== undefined;
  assert.equal(known(), false);
  const began = systemClock.elapsed();
  house.clock.advance(GATHERING);
  await waitUntil('the gateway knows the customer', known);
  assert.ok(systemClock.elapsed() - began < 5000, 'much sooner than a fetch every half minute would bring');

  rounds.stop();
  link.close();
  await delay(100);
  assert.deepEqual(journal.codes(), ['authfile_in_force', 'authfile_in_force'], 'breaking off is no loss of control');
});
