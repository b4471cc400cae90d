// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { again, beyond, describeExcess, type Remainder } from './remainder.ts';
import { renderRemainders } from './table.ts';
import type { Finding } from './verdict.ts';

const KNOWN: readonly Remainder[] = [{ place: 'kernel', marker: 'source', most: 2, because: 'stacks are not wiped' }];

function finding(change: Partial<Finding> = {}): Finding {
  return {
    phase: '+60 s',
    place: 'kernel',
    marker: 'source',
    encoding: 'binary-be',
    count: 1,
    at: '0x1000',
    ...change,
  };
}

test('what is known passes, in as many forms as it likes, and again at the next look', () => {
  const known = [finding(), finding({ encoding: 'ascii' }), finding({ phase: '+10 s', count: 2 })];
  assert.deepEqual(beyond(known, KNOWN), []);
  assert.deepEqual(beyond([], KNOWN), []);
});

test('one more, another place and another marker are told', () => {
  const more = [finding({ count: 2 }), finding({ encoding: 'ascii', at: '0x2000' })];
  assert.deepEqual(beyond(more, KNOWN).map(describeExcess), [
    '+60 s: source in kernel: 3 times, 2 are known (binary-be at 0x1000, ascii at 0x2000)',
  ]);
  assert.equal(beyond([finding({ place: 'agent' })], KNOWN).length, 1);
  assert.equal(beyond([finding({ marker: 'password' })], KNOWN).length, 1);
});

test('what a second run meets at the same place is no chance', () => {
  const first = beyond([finding({ place: 'agent' }), finding({ place: 'page tables' })], KNOWN);
  const second = beyond([finding({ place: 'agent', at: '0x5000' }), finding({ marker: 'port' })], KNOWN);
  assert.deepEqual(again(first, second), first.slice(0, 1));
});

test('what is left is shown beside what is known of it, and why', () => {
  const known = [...KNOWN, { place: 'daemon', marker: 'path', most: 1, because: 'a buffer' }];
  assert.equal(
    renderRemainders([finding(), finding({ encoding: 'ascii' })], known),
    'place   marker  met  most  because\nkernel  source    2     2  stacks are not wiped\n',
  );
});
