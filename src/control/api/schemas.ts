// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from '@hono/zod-openapi';
import { base64Key, word } from '../../core/configuration/words.ts';
import { record } from '../surface/record.ts';

const date = z.iso.date();
const secret = z.string().min(8).max(128);
const count = z.int().min(0);
const text = z.string();

export const SignInRequest = record('sign_in_request', { account_number: z.string().max(128) });
export const DeviceRequest = record('device_request', { public_key: z.string().max(128) });
export const ActivationRequest = record('activation_request', { app: word, app_version: word, os: word });

export const Licence = record('licence', { expires_on: date, seats: count, trial: z.boolean() });
export const Credentials = record('credentials', { username: secret, password: secret, ike_password: secret });
export const SignedUp = record('signed_up', {
  account_number: secret,
  token: secret,
  token_expires_on: date,
  licence: Licence,
  credentials: Credentials,
});
export const NewNumber = record('account_number', { account_number: secret });
export const SignedIn = record('signed_in', { token: secret, token_expires_on: date });

export const Device = record('device', { public_key: base64Key, address4: z.ipv4(), address6: z.ipv6() });
export const Devices = record('devices', { devices: z.array(Device) });
export const Seats = record('seats', { used: count, limit: count });

export const RememberedField = record('remembered_field', {
  name: text,
  value: text,
  kind: text,
  purpose: text,
  retention: text,
});
export const RememberedRow = record('remembered_row', { store: text, fields: z.array(RememberedField) });
export const Remembered = record('remembered', { rows: z.array(RememberedRow), next: text });

export const Problem = record('problem', { type: text, title: text, status: count, code: word });
