// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openAuthFile } from '../../../src/contracts/authfile/open.ts';
import { AuthFileIssuer, type TestCustomer } from './issuer.os.ts';
import { Visitor, valueAfter } from './visitor.ts';

const ALICE: TestCustomer = { username: 'alice', password: 'wonderland', validFor: -1, seats: 2 };
const BOB: TestCustomer = { username: 'bob', password: 'builder' };

test('whoever is in a newer auth file again has the same licence', () => {
  const issuer = new AuthFileIssuer();
  const licenceOf = ({ username, password }: TestCustomer, file: Uint8Array) => {
    const opened = openAuthFile(file, issuer.publicKey);
    assert.ok(typeof opened !== 'string');
    const at = username.length;
    return opened.login(new TextEncoder().encode(username + password), 0, at, at, at + password.length);
  };
  const [first, second] = [issuer.seal([ALICE, BOB]), issuer.seal([BOB])];
  assert.equal(licenceOf(ALICE, first)?.seats, 2);
  assert.equal(licenceOf(ALICE, second), undefined);
  assert.equal(licenceOf(BOB, second)?.licence, licenceOf(BOB, first)?.licence);
  assert.equal(licenceOf(BOB, second)?.usageTag, licenceOf(BOB, first)?.usageTag);
});

test('a page without what it should show, and an API that refuses, are told from good ones', async () => {
  const page = '<dt>Account number</dt><dd><code>ABCD</code></dd><dt>Other</dt>';
  assert.equal(valueAfter(page, 'Account number'), 'ABCD');
  for (const label of ['Other', 'VPN username']) assert.throws(() => valueAfter(page, label), /does not show/, label);
  const visitor = new Visitor(() => new Response('', { status: 401 }));
  await assert.rejects(visitor.seats(), /answered 401/);
  await assert.rejects(visitor.read('/account'), /expected 200, got 401/);
});
