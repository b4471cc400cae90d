// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from '@hono/zod-openapi';
import { UndeclaredError } from '../../core/inventory/guard.ts';
import { Device, Devices, Licence, Seats } from '../api/schemas.ts';
import { leaving, record } from './record.ts';

const text = z.string();

test('a schema that the inventory does not know cannot be made', () => {
  assert.throws(() => record('sessions', { started_at: text }), UndeclaredError);
  assert.throws(
    () => record('licence', { expires_on: text, trial: z.boolean(), seats: z.int(), source_ip: text }),
    /source_ip is not in/,
  );
  assert.throws(() => record('licence', { expires_on: text }), /seats is missing/);
  assert.throws(() => record('devices', { devices: z.array(z.strictObject({ source_ip: text })) }), UndeclaredError);
});

test('what leaves has exactly the declared fields', () => {
  assert.equal(leaving(Seats, { used: 1, limit: 5 }), '{"used":1,"limit":5}');
  const more = { used: 1, limit: 5, source_ip: '192.0.2.7' };
  assert.throws(() => leaving(Seats, more), /api\.seats does not fit its schema/);
  assert.throws(() => leaving(Seats, { used: -1, limit: 5 }), UndeclaredError);
});

test('a value must be of its kind as well, also where the schema is looser', () => {
  const loose = record('licence', { expires_on: text, trial: z.boolean(), seats: z.number() });
  assert.throws(
    () => leaving(loose, { expires_on: '2026-11-21T10:00:00Z', trial: true, seats: 5 }),
    /expires_on is not of kind date/,
  );
  assert.throws(
    () => leaving(loose, { expires_on: '2026-11-21', trial: true, seats: 1.5 }),
    /seats is not of kind count/,
  );
  assert.equal(leaving(Licence, { expires_on: '2026-11-21', trial: true, seats: 5 }).includes('seats'), true);
});

test('records inside records are looked at one by one', () => {
  const device = { public_key: Buffer.alloc(32, 7).toString('base64'), address4: '10.64.192.2', address6: 'fd6c::2' };
  assert.equal(leaving(Device, device), JSON.stringify(device));
  const spied = { devices: [device, { ...device, last_seen: '2026-11-21' }] };
  assert.throws(() => leaving(Devices, spied), UndeclaredError);
});
