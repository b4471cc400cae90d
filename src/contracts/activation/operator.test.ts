// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { TestAuthority } from '../../../proof/labs/authority/authority.ts';
import { formatOperator, type Operator, parseOperator } from './operator.ts';

let made: TestAuthority;
let operator: Operator;
before(async () => {
  made = await TestAuthority.create();
  operator = { activator: 'https://activator.example:8445', authority: made.certificate };
});

function isRead(change: Partial<Operator>): boolean {
  return !('problem' in parseOperator(formatOperator({ ...operator, ...change })));
}

test('an operator is an activator and the authority that it is known by', () => {
  assert.deepEqual(parseOperator(formatOperator(operator)), operator);
  assert.ok(isRead({ activator: 'https://[2001:db8::1]:8445' }));
  assert.ok('problem' in parseOperator(JSON.stringify({ ...operator, more: 1 })));
});

test('an activator is asked over TLS, at a host and a port and at no path', () => {
  for (const activator of [
    'http://activator.example:8445',
    'https://activator.example:8445/path',
    'https://user@activator.example',
    'https://activator.example ',
    'https://',
    `https://${'a'.repeat(256)}`,
  ])
    assert.equal(isRead({ activator }), false, activator);
});

test('an authority is the one certificate of an authority, with nothing beside it', async () => {
  const server = await made.server('gw.example');
  for (const [what, authority] of Object.entries({
    nothing: '',
    junk: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    'a certificate of a server': server.certificate,
    'a key beside it': `${made.certificate}${server.key}`,
    'a note before it': `# ours\n${made.certificate}`,
    'two of them': made.certificate.repeat(2),
    'more than anybody needs': `${made.certificate}${'\n'.repeat(16_384)}`,
  }))
    assert.equal(isRead({ authority }), false, what);
});
