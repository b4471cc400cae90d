// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FleetMessage, FleetMessageKind } from '../../contracts/fleet/messages.ts';
import type { UsageEvent } from '../../contracts/usage/event.ts';
import { RecordingJournal } from '../../core/journal/journal.ts';
import type { LicenceId } from '../../core/licences/licence.ts';
import type { SessionId } from '../../core/sessions/session.ts';
import { passExit } from './exit.ts';

const EVENT = {
  date: '2026-11-21',
  user: '00112233aabbccdd',
  country: 'CH',
  isp: 'Example Net',
  megabytes: 3,
  location: 'ch-zrh',
  protocol: 'wireguard',
} as unknown as UsageEvent;
const BEAT = { session: '0011223344556677' as SessionId, licence: 7 as LicenceId };
const STATUS = { gateway: 'zrh-01', configuration: 'in_force', authfile: 3, release: '0.1.0' } as const;
const BATCH = { batch: '0123456789abcdef', events: [EVENT] };

/** A message of any kind, as the exit takes it. */
type Leaving = { [Kind in FleetMessageKind]: [kind: Kind, message: FleetMessage<Kind>] }[FleetMessageKind];
const pass = ([kind, message]: Leaving, journal: RecordingJournal) => passExit(kind, message, journal);

const GOOD: [Leaving, string][] = [
  [['beats', { beats: [BEAT] }], '/fleet/v1/beats'],
  [['beats', { beats: [] }], '/fleet/v1/beats'],
  [['usage', BATCH], '/fleet/v1/usage'],
  [['status', STATUS], '/fleet/v1/status'],
];

/** One undeclared field, or one value of another kind, in each place where there could be one. */
const BAD: [Leaving, string][] = [
  [['beats', { beats: [BEAT, { ...BEAT, source_ip: '192.0.2.1' } as typeof BEAT] }], 'exit.beat'],
  [['beats', { beats: [{ ...BEAT, session: '192.0.2.1' as SessionId }] }], 'exit.beat'],
  [['usage', { ...BATCH, events: [EVENT, { ...EVENT, source_ip: 'x' } as UsageEvent] }], 'exit.usage'],
  [['usage', { ...BATCH, events: [{ ...EVENT, location: '2001:db8::1' }] }], 'exit.usage'],
  [['usage', { ...BATCH, events: [{ ...EVENT, date: '2026-11-21T10:00' }] }], 'exit.usage'],
  [['usage', { ...BATCH, batch: '192.0.2.1' }], 'exit.usage_batch'],
  [['status', { ...STATUS, hostname: 'x' } as typeof STATUS], 'exit.status'],
  [['status', { ...STATUS, release: '10.0.0.1' }], 'exit.status'],
];

test('what is declared passes, as it is', () => {
  const journal = new RecordingJournal();
  for (const [leaving, path] of GOOD) {
    const outgoing = pass(leaving, journal);
    assert.equal(outgoing?.path, path);
    assert.deepEqual(JSON.parse(outgoing.body), leaving[1]);
  }
  assert.deepEqual(journal.events, []);
});

test('anything else stays here, and that is said without saying what it was', () => {
  for (const [leaving, store] of BAD) {
    const journal = new RecordingJournal();
    assert.equal(pass(leaving, journal), undefined);
    assert.deepEqual(journal.events, [{ code: 'exit_refused', store }]);
  }
});
