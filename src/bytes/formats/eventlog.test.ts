// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joined } from './der.ts';
import { EVENT, parseEventLog, writeEventLog } from './eventlog.ts';
import { littleEndian } from './reader.ts';

const data = new TextEncoder().encode('measured');
const event = { pcr: 4, type: EVENT.ipl, digest: new Uint8Array(32).fill(7), data };
const good = writeEventLog([event]);
const HEADER = 32 + 33;

function event2(pcr: number, type: number, algorithms: readonly (readonly [number, number])[], content: Uint8Array) {
  return joined([
    littleEndian(pcr, 4),
    littleEndian(type, 4),
    littleEndian(algorithms.length, 4),
    ...algorithms.flatMap(([algorithm, length]) => [littleEndian(algorithm, 2), new Uint8Array(length)]),
    littleEndian(content.length, 4),
    content,
  ]);
}

/** A header that announces these algorithms. */
function header(algorithms: readonly (readonly [number, number])[]): Uint8Array {
  const content = joined([
    new TextEncoder().encode('Spec ID Event03\0'),
    new Uint8Array(8),
    littleEndian(algorithms.length, 4),
    ...algorithms.flatMap(([algorithm, length]) => [littleEndian(algorithm, 2), littleEndian(length, 2)]),
    Uint8Array.of(0),
  ]);
  return joined([littleEndian(0, 4), littleEndian(3, 4), new Uint8Array(20), littleEndian(content.length, 4), content]);
}

const SHA1 = [4, 20] as const;
const SHA256 = [0x0b, 32] as const;
const both = header([SHA1, SHA256]);

function read(...parts: Uint8Array[]) {
  return parseEventLog(joined(parts));
}

test('what was written is read, and no events are a log too', () => {
  assert.deepEqual(parseEventLog(good), { events: [event], locality: 0 });
  assert.deepEqual(parseEventLog(writeEventLog([])), { events: [], locality: 0 });
});

test('of several banks the SHA-256 digest is taken, in whatever order they stand', () => {
  for (const order of [
    [SHA1, SHA256],
    [SHA256, SHA1],
  ] as const)
    assert.equal(read(both, event2(1, EVENT.ipl, order, data))?.events[0]?.digest.length, 32);
});

test('the locality that measured first is taken from the first event alone', () => {
  const locality = (byte: number) => joined([new TextEncoder().encode('StartupLocality\0'), Uint8Array.of(byte)]);
  const note = event2(0, EVENT.noAction, [SHA256], locality(3));
  const plain = event2(0, EVENT.ipl, [SHA256], data);
  const one = header([SHA256]);
  assert.deepEqual(read(one, note), { events: [], locality: 3 });
  assert.equal(read(one, plain, note), undefined);
  assert.equal(read(one, event2(0, EVENT.noAction, [SHA256], locality(3).subarray(0, -1))), undefined);
  assert.deepEqual(read(one, event2(5, EVENT.noAction, [SHA256], data)), { events: [], locality: 0 });
});

test('malformed logs are refused', () => {
  for (let length = 0; length < good.length; length += 1)
    if (length !== HEADER) assert.equal(parseEventLog(good.subarray(0, length)), undefined, String(length));
  const one = header([SHA256]);
  const bad: Record<string, Uint8Array> = {
    'an old log': Uint8Array.from([...good.subarray(0, 46), 0x32, ...good.subarray(47)]),
    'no SHA-256': header([SHA1]),
    'no algorithm': header([]),
    'too many algorithms': header([...Array.from({ length: 8 }, (_, at) => [100 + at, 1] as const), SHA256]),
    'an algorithm twice': header([SHA256, SHA256]),
    'a wrong length': header([[0x0b, 31]]),
    'no length': header([SHA256, [0x99, 0]]),
    'a digest too few': joined([both, event2(1, EVENT.ipl, [SHA256], data)]),
    'a digest twice': joined([both, event2(1, EVENT.ipl, [SHA256, SHA256], data)]),
    'an algorithm that was not announced': joined([one, event2(1, EVENT.ipl, [[5, 32]], data)]),
    'a PCR that does not exist': joined([one, event2(24, EVENT.ipl, [SHA256], data)]),
    'too many events': joined([
      one,
      ...Array.from({ length: 4097 }, () => event2(1, EVENT.ipl, [SHA256], new Uint8Array(0))),
    ]),
    'a huge event': joined([one, event2(1, EVENT.ipl, [SHA256], new Uint8Array((1 << 20) + 1))]),
  };
  for (const [what, log] of Object.entries(bad)) assert.equal(parseEventLog(log), undefined, what);
});
