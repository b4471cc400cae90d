// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UsageEvent } from '../../contracts/usage/event.ts';
import { RecordingJournal } from '../../core/journal/journal.ts';
import type { LicenceId } from '../../core/licences/licence.ts';
import type { SessionId } from '../../core/sessions/session.ts';
import { type Message, passExit } from './exit.ts';

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
const BATCH = { id: '0123456789abcdef', events: [EVENT] };

const GOOD: [Message, string, object][] = [
  [{ kind: 'beats', beats: [BEAT] }, '/fleet/v1/beats', { beats: [BEAT] }],
  [{ kind: 'beats', beats: [] }, '/fleet/v1/beats', { beats: [] }],
  [{ kind: 'usage', batch: BATCH }, '/fleet/v1/usage', { batch: BATCH.id, events: [EVENT] }],
  [{ kind: 'status', status: STATUS }, '/fleet/v1/status', STATUS],
];

/** One undeclared field, or one value of another kind, in each place where there could be one. */
const BAD: [Message, string][] = [
  [{ kind: 'beats', beats: [BEAT, { ...BEAT, source_ip: '192.0.2.1' } as typeof BEAT] }, 'exit.beat'],
  [{ kind: 'beats', beats: [{ ...BEAT, session: '192.0.2.1' as SessionId }] }, 'exit.beat'],
  [{ kind: 'usage', batch: { ...BATCH, events: [EVENT, { ...EVENT, source_ip: 'x' } as UsageEvent] } }, 'exit.usage'],
  [{ kind: 'usage', batch: { ...BATCH, events: [{ ...EVENT, location: '2001:db8::1' }] } }, 'exit.usage'],
  [{ kind: 'usage', batch: { ...BATCH, events: [{ ...EVENT, date: '2026-11-21T10:00' }] } }, 'exit.usage'],
  [{ kind: 'usage', batch: { ...BATCH, id: '192.0.2.1' } }, 'exit.usage_batch'],
  [{ kind: 'status', status: { ...STATUS, hostname: 'x' } as typeof STATUS }, 'exit.status'],
  [{ kind: 'status', status: { ...STATUS, release: '10.0.0.1' } }, 'exit.status'],
];

test('what is declared passes, as it is', () => {
  const journal = new RecordingJournal();
  for (const [message, path, body] of GOOD) {
    const outgoing = passExit(message, journal);
    assert.equal(outgoing?.path, path);
    assert.deepEqual(JSON.parse(outgoing.body), body);
  }
  assert.deepEqual(journal.events, []);
});

test('anything else stays here, and that is said without saying what it was', () => {
  for (const [message, store] of BAD) {
    const journal = new RecordingJournal();
    assert.equal(passExit(message, journal), undefined);
    assert.deepEqual(journal.events, [{ code: 'exit_refused', store }]);
  }
});
