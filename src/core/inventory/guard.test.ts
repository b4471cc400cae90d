// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kind } from './datum.ts';
import { assertDeclared, UndeclaredError, valueAllowed } from './guard.ts';

const EVENT = {
  date: '2026-11-21',
  user: '0123456789abcdef',
  country: 'CH',
  isp: 'Example Networks AG',
  megabytes: 823,
  location: 'us-nyc',
  protocol: 'ikev2',
};

test('the usage event passes with its six fields', () => {
  assertDeclared('exit.usage', EVENT);
});

test('an event with an undeclared field is refused, and the message does not repeat the value', () => {
  const event = { ...EVENT, source_ip: '198.51.100.7' };
  assert.throws(
    () => assertDeclared('exit.usage', event),
    (error: Error) => error instanceof UndeclaredError && /source_ip/.test(error.message) && !/198/.test(error.message),
  );
});

test('a field that is missing, and a message that nobody declared, are refused', () => {
  const { isp: _, ...rest } = EVENT;
  assert.throws(() => assertDeclared('exit.usage', rest), /exit.usage.isp is missing/);
  assert.throws(() => assertDeclared('exit.secret', {}), /not in the inventory/);
});

test('an address does not fit into any text field', () => {
  for (const isp of ['198.51.100.7', 'AS1 198.51.100.7', '2001:db8::1', '::ffff:c633:6407', 'a\u0000b']) {
    assert.throws(() => assertDeclared('exit.usage', { ...EVENT, isp }), /not of kind isp/, isp);
  }
});

test('a time does not fit into a date', () => {
  assert.throws(() => assertDeclared('exit.usage', { ...EVENT, date: '2026-11-21T10:11:12Z' }), /not of kind date/);
});

test('an inherited property is not a declaration', () => {
  assert.throws(() => assertDeclared('exit.usage', { ...EVENT, constructor: 1 }), /constructor is not in/);
});

const GOOD: Readonly<Record<Kind, unknown>> = {
  date: '2026-01-01',
  count: 0,
  megabytes: 1,
  flag: true,
  random: 'abcdefgh',
  digest: '0123456789abcdef',
  bytes: new Uint8Array(1),
  'public-key': `${'A'.repeat(43)}=`,
  country: 'unknown',
  isp: 'Init7 (Switzerland) Ltd.',
  word: 'ch-zrh',
  name: 'Lethe for Linux',
  secret: 'correct horse battery',
  document: 'any text',
};

test('each kind takes a value of its own and refuses the others', () => {
  for (const [kind, value] of Object.entries(GOOD) as [Kind, unknown][]) {
    assert.ok(valueAllowed(kind, value), kind);
    for (const junk of [null, undefined, Number.NaN, -1, {}, [], Symbol('x')]) {
      assert.equal(valueAllowed(kind, junk), false, `${kind} ${typeof junk}`);
    }
  }
});

test('a number is whole and exact, and a text has an end', () => {
  for (const kind of ['count', 'megabytes'] as const) {
    assert.ok(valueAllowed(kind, Number.MAX_SAFE_INTEGER));
    for (const number of [1.5, 2 ** 53, Number.POSITIVE_INFINITY, 1n, '1'])
      assert.equal(valueAllowed(kind, number), false, `${kind} ${number}`);
  }
  for (const [kind, longest] of [
    ['isp', 120],
    ['name', 120],
    ['word', 64],
    ['secret', 128],
    ['digest', 128],
    ['random', 64],
  ] as const) {
    assert.ok(valueAllowed(kind, 'a'.repeat(longest)), kind);
    assert.equal(valueAllowed(kind, 'a'.repeat(longest + 1)), false, kind);
  }
});
