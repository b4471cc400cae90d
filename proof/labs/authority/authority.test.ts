// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { type Certified, TestAuthority } from './authority.ts';

const parsed = ({ certificate }: { readonly certificate: string }) => new X509Certificate(certificate);
const holdsKeyOf = (certified: Certified) => parsed(certified).checkPrivateKey(createPrivateKey(certified.key));

test('an authority certifies servers by name and address, and clients without either', async () => {
  const [authority, other] = [await TestAuthority.create(), await TestAuthority.create()];
  const server = await authority.server('gw.example', ['192.0.2.7', '2001:db8::7']);
  const client = await authority.client('somebody');
  for (const certified of [server, client]) {
    assert.ok(parsed(certified).checkIssued(parsed(authority)) && holdsKeyOf(certified));
    assert.ok(parsed(certified).verify(parsed(authority).publicKey));
    assert.equal(parsed(certified).verify(parsed(other).publicKey), false);
  }
  assert.equal(parsed(server).checkHost('gw.example'), 'gw.example');
  for (const address of ['192.0.2.7', '2001:db8::7']) assert.equal(parsed(server).checkIP(address), address);
  assert.equal(parsed(client).subjectAltName, undefined);
});
