// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Crowd, knownAddresses } from './crowd.ts';

const none = () => new Set<string>();

test('a source has its places and no more, and gets them back when it leaves', () => {
  const crowd = new Crowd({ perSource: 2, strangers: 100, known: none });
  const leave = crowd.enter('192.0.2.1');
  assert.ok(leave !== undefined && crowd.enter('192.0.2.1') !== undefined);
  assert.equal(crowd.enter('192.0.2.1'), undefined);
  assert.equal(crowd.enter('::ffff:192.0.2.1'), undefined);
  assert.ok(crowd.enter('192.0.2.2'));
  leave();
  assert.ok(crowd.enter('192.0.2.1'));
  assert.equal(crowd.enter('192.0.2.1'), undefined);
});

test('an IPv6 network of 64 bits is one source, however its addresses are written', () => {
  const crowd = new Crowd({ perSource: 2, strangers: 100, known: none });
  assert.ok(crowd.enter('2001:db8::1') && crowd.enter('2001:db8::ffff:0:0:1'));
  for (const same of ['2001:db8:0:0:1:2:3:4', '2001:db8::2%eth0']) assert.equal(crowd.enter(same), undefined, same);
  for (const other of ['2001:db8:0:1::1', '2001:db8:1::1', '::1', 'fe80::1%eth0']) assert.ok(crowd.enter(other), other);
});

test('strangers together have a limit, and who is known has a place apart from it', () => {
  const known = knownAddresses(['198.51.100.7', '2001:DB8:0:0::7', undefined]);
  const crowd = new Crowd({ perSource: 2, strangers: 3, known: () => known });
  const leave = crowd.enter('192.0.2.1');
  for (const stranger of ['192.0.2.2', '192.0.2.3']) assert.ok(crowd.enter(stranger));
  assert.equal(crowd.enter('192.0.2.4'), undefined);
  for (const own of ['198.51.100.7', '::ffff:198.51.100.7', '2001:db8::7']) assert.ok(crowd.enter(own), own);
  assert.equal(crowd.enter('198.51.100.7'), undefined, 'and it, too, has no more than a source may have');
  assert.equal(crowd.enter('2001:db8::8'), undefined, 'a neighbour of it is a stranger');
  leave?.();
  assert.ok(crowd.enter('192.0.2.4'));
});
