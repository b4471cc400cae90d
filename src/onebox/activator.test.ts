// SPDX-License-Identifier: AGPL-3.0-or-later
// Needs root, and the service's system users.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmodSync, chownSync, lstatSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { TestAuthority } from '../../proof/labs/authority/authority.ts';
import { planGateway } from '../contracts/plan/plan.ts';
import { systemClock as clock } from '../core/clock/clock.ts';
import { RecordingJournal } from '../core/journal/journal.ts';
import { systemRandom as random } from '../core/random/random.ts';
import { compileFilter } from '../host/processes/filter.os.ts';
import { ServiceActivator } from './activator.os.ts';
import { authorityKey, openIdentity, type ServiceIdentity } from './identity.os.ts';
import { CannotStart } from './machine.os.ts';
import { systemUsers, type User } from './users.os.ts';

const GATEWAY = 'zrh-01';
const directory = mkdtempSync(join(tmpdir(), 'lethe-activator-'));
const store = join(directory, 'activator', 'store');
let user: User;
let identity: ServiceIdentity;
let certificate: Uint8Array;
let activator: ServiceActivator;

before(async () => {
  chmodSync(directory, 0o711);
  const deps = { clock, random, journal: new RecordingJournal() };
  ({ activator: user } = await systemUsers());
  const keys = join(directory, 'keys');
  identity = await openIdentity(keys, 'Lethe', deps);
  certificate = new X509Certificate((await (await TestAuthority.create()).server('tpm')).certificate).raw;
  const issuer = { certificate: identity.caCertificate, key: authorityKey(keys).key };
  const filter = await compileFilter(directory);
  const parts = { directory: join(directory, 'activator'), listen: '127.0.0.1', issuer, user, filter };
  activator = new ServiceActivator(parts, deps);
  await activator.operator();
});
after(() => rmSync(directory, { recursive: true }));

const parameters = (location: string) => {
  const { address6: _none, ...plan } = planGateway({
    gateway: GATEWAY,
    location,
    name: 'zrh-01.lethe.test',
    address4: '192.0.2.1',
    address6: undefined,
    uplink: 'eth0',
    esp: 'kernel',
  });
  const key = new Uint8Array(32).fill(7).toBase64();
  return {
    plan,
    controlUrl: 'https://192.0.2.2:8443',
    controlAuthority: identity.caCertificate,
    tlsCryptKey: identity.tlsCryptKey,
    authfileKey: key,
    expectedKey: key,
  };
};

test("a machine is enrolled once, again when what it is given has changed, and the store stays the user's", async () => {
  const first = await activator.enrol(certificate, parameters('ch-zrh'));
  assert.match(first, /^[0-9a-f]{64}$/);
  assert.equal(await activator.enrol(certificate, parameters('ch-zrh')), first);
  assert.notEqual(await activator.enrol(certificate, parameters('ch-gva')), first);
  assert.equal(await activator.boot(GATEWAY), undefined);
  assert.equal(lstatSync(join(store, 'activator.sqlite')).uid, user.uid);
});

test('what is no certificate is refused in a sentence', async () => {
  await assert.rejects(
    activator.enrol(new Uint8Array(4), parameters('ch-bsl')),
    (error: Error) =>
      error instanceof CannotStart && /cannot be enrolled: the file is not a certificate/.test(error.message),
  );
});

test("a link that the activator's user planted leads root nowhere", async () => {
  for (const name of ['activator.sqlite', 'keys.json']) {
    const victim = join(directory, `of-root-${name}`);
    renameSync(join(store, name), victim);
    chmodSync(victim, 0o600);
    const before = readFileSync(victim);
    // It was the user's; now it is root's, and only root can follow the link.
    chownSync(victim, 0, 0);
    symlinkSync(victim, join(store, name));
    await assert.rejects(activator.enrol(certificate, parameters('ch-brn')), CannotStart, name);
    assert.deepEqual(readFileSync(victim), before, name);
    rmSync(join(store, name));
    chownSync(victim, user.uid, user.gid);
    renameSync(victim, join(store, name));
  }
});

test('what it says on standard error is no part of its answer', async () => {
  const { NODE_V8_COVERAGE: before } = process.env;
  // Node says that it cannot write there.
  process.env['NODE_V8_COVERAGE'] = '/dev/null/nowhere';
  try {
    assert.equal(await activator.boot(GATEWAY), undefined);
  } finally {
    if (before === undefined) delete process.env['NODE_V8_COVERAGE'];
    else process.env['NODE_V8_COVERAGE'] = before;
  }
});
