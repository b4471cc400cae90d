// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { sampleCustomers, sampleLogins } from '../../../proof/labs/customers/sample.ts';
import { SALT } from '../../contracts/authfile/layout.ts';
import { sealAuthFile } from '../../contracts/authfile/seal.ts';
import { RecordingJournal } from '../../core/journal/journal.ts';
import { seededRandom } from '../../core/random/random.ts';
import { CurrentAuthFile } from './current.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const random = seededRandom('current');
const salt = random.bytes(SALT);

function fileOf(version: number, customers = sampleCustomers(random, 2)): Uint8Array {
  return sealAuthFile({ version, salt, logins: sampleLogins(salt, customers, random), peers: [] }, privateKey);
}

function started() {
  const journal = new RecordingJournal();
  const current = new CurrentAuthFile(publicKey, journal);
  let changes = 0;
  current.onChange(() => {
    changes += 1;
  });
  return { journal, current, changes: () => changes, version: () => current.current?.version };
}

test('a file comes into force, a newer one replaces it, and listeners hear of both', () => {
  const { journal, current, changes, version } = started();
  assert.equal(version(), undefined);
  assert.equal(current.offer(fileOf(3)), 'in_force');
  assert.equal(version(), 3);
  assert.equal(current.offer(fileOf(9)), 'in_force');
  assert.equal(version(), 9);
  assert.equal(changes(), 2);
  assert.deepEqual(journal.events, [
    { code: 'authfile_in_force', version: 3 },
    { code: 'authfile_in_force', version: 9 },
  ]);
});

test('the same file again is in force already; the same version with other content is a rollback', () => {
  const { journal, current, changes } = started();
  const file = fileOf(3);
  current.offer(file);
  const inForce = current.current;
  assert.equal(current.offer(Uint8Array.from(file)), 'in_force');
  assert.equal(current.offer(fileOf(3)), 'rollback');
  assert.equal(current.offer(fileOf(2)), 'rollback');
  assert.equal(current.current, inForce);
  assert.equal(changes(), 1);
  assert.deepEqual(journal.codes(), ['authfile_in_force', 'authfile_refused']);
});

test('each refusal leaves the old file in force and is said once, until another file is taken', () => {
  const { journal, current, changes } = started();
  const [customer] = sampleCustomers(random, 1) as [ReturnType<typeof sampleCustomers>[0]];
  current.offer(fileOf(5, [customer]));
  const newer = fileOf(6);
  const altered = Uint8Array.from(newer).fill(0, 200, 201);
  const other = sealAuthFile({ version: 7, salt, logins: [], peers: [] }, generateKeyPairSync('ed25519').privateKey);
  const offers = [
    [newer.subarray(0, newer.length - 1), 'truncated'],
    [altered, 'altered'],
    [fileOf(4), 'rollback'],
    [other, 'signature'],
    [new TextEncoder().encode('<html>not found</html>'), 'format'],
  ] as const;
  for (let poll = 0; poll < 3; poll += 1) {
    for (const [bytes, refusal] of offers) assert.equal(current.offer(Uint8Array.from(bytes)), refusal);
  }
  const credential = Buffer.from(customer.username + customer.password);
  assert.equal(current.current?.login(credential, 0, 20, 20, 40)?.licence, customer.entitlement.licence);
  assert.equal(changes(), 1);
  const refusals = offers.map(([, reason]) => ({ code: 'authfile_refused', reason }));
  assert.deepEqual(journal.events.slice(1), refusals);
  current.offer(newer);
  current.offer(fileOf(1));
  assert.deepEqual(journal.codes().slice(-2), ['authfile_in_force', 'authfile_refused']);
});
