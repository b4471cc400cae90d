// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anything, assert as assertProperty, property, uint8Array } from 'fast-check';
import { LONGEST_MESSAGE } from './endpoints.ts';
import { checkMessage, ENDS, FLEET_MESSAGES, type FleetMessageKind, MOST_BEATS, parseFleetBody } from './messages.ts';

const EVENT = {
  date: '2026-11-21',
  user: '00112233aabbccdd',
  country: 'CH',
  isp: 'Example Net',
  megabytes: 10,
  location: 'ch-zrh',
  protocol: 'wireguard',
};
const BEAT = { session: '0011223344556677', licence: 7 };
const STATUS = { gateway: 'zrh-01', configuration: 'drifted', authfile: 0, release: '0.1.0' };
const BATCH = { batch: 'batch-0001', events: [EVENT] };

const KINDS = Object.keys(FLEET_MESSAGES) as FleetMessageKind[];
const refusal = (kind: FleetMessageKind, value: unknown) => {
  const checked = checkMessage(kind, value);
  return 'refused' in checked ? checked.refused : undefined;
};

test('messages pass as they are', () => {
  for (const [kind, message] of [
    ['beats', { beats: [] }],
    ['beats', { beats: [BEAT, { ...BEAT, session: '0011223344556678' }] }],
    ['usage', BATCH],
    ['status', STATUS],
  ] as const) {
    assert.deepEqual(checkMessage(kind, message), { message });
    assert.deepEqual(parseFleetBody(FLEET_MESSAGES[kind], Buffer.from(JSON.stringify(message))), message);
  }
});

test('only exact batches are read', () => {
  const { isp: _isp, ...short } = EVENT;
  const events = [
    short,
    { ...EVENT, time: '12:00' },
    { ...EVENT, date: '2026-11-21T12:00' },
    { ...EVENT, date: '2026-13-41' },
    { ...EVENT, user: 'alice-in-plain-text' },
    { ...EVENT, isp: '192.0.2.7' },
    { ...EVENT, isp: '2001:db8::7' },
    { ...EVENT, country: 'Switzerland' },
    { ...EVENT, megabytes: 1.5 },
    { ...EVENT, protocol: 'pptp' },
    { ...EVENT, location: '192.0.2.7' },
    null,
  ];
  for (const event of events) assert.equal(refusal('usage', { ...BATCH, events: [EVENT, event] }), 'exit.usage');
  assert.equal(refusal('usage', { ...BATCH, batch: 'x' }), 'exit.usage_batch');
  const many = Array.from({ length: 20_001 }, () => EVENT);
  for (const change of [{ gateway: 'zrh-01' }, { events: undefined }, { events: {} }, { events: many }]) {
    assert.equal(refusal('usage', { ...BATCH, ...change }), 'exit.usage');
  }
});

/** Each of a session of its own. */
function manyBeats(count: number) {
  return Array.from({ length: count }, (_, index) => ({
    session: index.toString(16).padStart(16, '0'),
    licence: 2 ** 39 - 1,
  }));
}

test('the longest message has room for as many beats as there may be, and not for twice as many', () => {
  const longest = JSON.stringify({ beats: manyBeats(MOST_BEATS) }).length;
  assert.ok(longest <= LONGEST_MESSAGE && LONGEST_MESSAGE < 2 * longest, `${longest}`);
});

test('a name that is not UTF-8 is no name', () => {
  const body = Buffer.from(JSON.stringify(BATCH).replace('Example Net', 'Example N?t'));
  assert.ok(parseFleetBody(FLEET_MESSAGES.usage, body));
  body[body.indexOf('?')] = 0xff;
  assert.equal(parseFleetBody(FLEET_MESSAGES.usage, body), undefined);
});

test('only exact beats and statuses are read', () => {
  for (const change of [
    { licence: 0 },
    { licence: 2 ** 39 },
    { licence: 1.5 },
    { session: '0'.repeat(15) },
    { ip: 1 },
  ]) {
    assert.equal(refusal('beats', { beats: [{ ...BEAT, ...change }] }), 'exit.beat');
  }
  assert.equal(refusal('beats', { beats: manyBeats(MOST_BEATS + 1) }), 'exit.beats');
  for (const licence of [7, 8]) assert.equal(refusal('beats', { beats: [BEAT, { ...BEAT, licence }] }), 'exit.beats');
  for (const change of [{ configuration: 'odd' }, { authfile: -1 }, { release: '192.0.2.7' }, { load: 1 }]) {
    assert.equal(refusal('status', { ...STATUS, ...change }), 'exit.status');
  }
});

test('junk is no message and no answer', () => {
  assertProperty(
    property(anything(), uint8Array(), (value, bytes) => {
      for (const kind of KINDS) {
        assert.notEqual(refusal(kind, value), undefined);
        assert.equal(parseFleetBody(FLEET_MESSAGES[kind], bytes), undefined);
      }
      assert.equal(parseFleetBody(ENDS, bytes), undefined);
    }),
  );
});
