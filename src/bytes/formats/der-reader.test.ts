// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { integer, octetString, oid, sequence } from './der.ts';
import { dotted, element, elementLength, elements, TAG } from './der-reader.ts';

test('what the writer writes, the reader reads', () => {
  const inner = [integer(5), octetString(new Uint8Array(300)), octetString(new Uint8Array(70_000))];
  const whole = sequence(...inner);
  const read = element(whole, TAG.sequence);
  assert.ok(read !== undefined);
  assert.deepEqual(
    elements(read.content)?.map((part) => part.whole),
    inner.map((part) => Uint8Array.from(part)),
  );
  assert.equal(element(whole, TAG.set), undefined);
  assert.equal(element(Uint8Array.from([...whole, 0])), undefined);
  assert.equal(elementLength(Uint8Array.from([...whole, 0xff, 0xff])), whole.length);
  for (const name of ['2.5.29.17', '1.2.840.113549.1.1.11', '2.23.133.8.1', '0.9.2342'])
    assert.equal(dotted(element(oid(name))?.content ?? new Uint8Array(0)), name);
});

test('what is not DER is refused', () => {
  const bad: Record<string, string> = {
    empty: '',
    'a tag alone': '30',
    'cut content': '300501',
    'indefinite length': '30800000',
    'a length that fits in fewer bytes': '308105' + '00'.repeat(5),
    'a length with a leading zero': '30820080' + '00'.repeat(128),
    'a length of four bytes': '30840000000100',
    'a cut length': '3082',
    'a tag of two bytes': '1f8101',
  };
  for (const [what, hex] of Object.entries(bad)) {
    const bytes = Uint8Array.fromHex(hex);
    assert.equal(element(bytes), undefined, what);
    if (bytes.length > 0) assert.equal(elements(bytes), undefined, what);
  }
  assert.equal(elements(new Uint8Array(2 * 1025).fill(0)), undefined, 'too many');
  for (const hex of ['', '80', '8001', '2a80', '2a8fffffffffff7f'])
    assert.equal(dotted(Uint8Array.fromHex(hex)), undefined, hex);
});
