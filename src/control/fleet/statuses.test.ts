// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../core/clock/clock.ts';
import { RecordingJournal } from '../../core/journal/journal.ts';
import { GatewayStatuses, LOST_AFTER } from './statuses.ts';

const STATUS = { gateway: 'zrh-01', configuration: 'in_force', authfile: 1, release: '0.1.0' } as const;

test('a gateway that is silent, drifts or comes back is reported once each', () => {
  const clock = new ManualClock(0);
  const journal = new RecordingJournal();
  const statuses = new GatewayStatuses(['zrh-01', 'zrh-02'], { clock, journal });
  clock.advance(LOST_AFTER);
  statuses.set('zrh-01', STATUS);
  statuses.sweep();
  assert.deepEqual(journal.events.splice(0), [{ code: 'gateway_authfile', gateway: 'zrh-01', version: 1 }], 'not yet');
  clock.advance(1);
  statuses.sweep();
  statuses.sweep();
  statuses.set('zrh-01', { ...STATUS, configuration: 'drifted' });
  statuses.set('zrh-01', { ...STATUS, configuration: 'drifted' });
  clock.advance(LOST_AFTER + 1);
  statuses.sweep();
  statuses.set('zrh-01', STATUS);
  assert.deepEqual(journal.events, [
    { code: 'gateway_lost', gateway: 'zrh-02' },
    { code: 'gateway_drifted', gateway: 'zrh-01' },
    { code: 'gateway_lost', gateway: 'zrh-01' },
    { code: 'gateway_in_force', gateway: 'zrh-01' },
    { code: 'gateway_found', gateway: 'zrh-01' },
  ]);
  assert.deepEqual(statuses.get('zrh-01'), STATUS);
  journal.events.splice(0);
  statuses.set('zrh-01', { ...STATUS, authfile: 7 });
  assert.deepEqual(journal.events, [{ code: 'gateway_authfile', gateway: 'zrh-01', version: 7 }]);
  statuses.set('unknown', { ...STATUS, gateway: 'unknown' });
  assert.equal(statuses.get('unknown'), undefined);
});
