// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Datum, Declaration, Kind } from './datum.ts';

function stored<K extends Kind>(
  kind: K,
  purpose: string,
  retention: string,
  rows: readonly string[],
): Datum & { kind: K } {
  return { kind, purpose, holder: 'control', retention, rows };
}

const ACCOUNT = 'until 90 days after the licence ends, then the row is deleted';
const CREDENTIAL = 'until the customer makes new ones, or the account is deleted';
const DEVICE = 'until the customer removes the key, or the account is deleted';
const SIGN_IN = 'until sign-out, or the day after it ends';
const EVENT = 'two years, then the row is deleted';
const SERVICE = 'as long as the service runs';

/** Every table and column of the control database. A test compares this with the real schema. */
export const DATABASE = {
  'database.accounts': {
    id: stored('random', 'joins the account to its licence and its sign-ins', ACCOUNT, ['S1']),
    number_hash: stored('bytes', 'recognises the account number, which itself is not kept', ACCOUNT, ['S1', 'S2']),
  },
  'database.licences': {
    id: stored('count', 'random number that stands for the licence on gateways', ACCOUNT, ['S1', 'S4']),
    account: stored('random', 'whose licence it is', ACCOUNT, ['S1']),
    expires_on: stored('date', 'last day on which the licence is valid', ACCOUNT, ['S2']),
    seats: stored('count', 'how many connections at once', ACCOUNT, ['S4']),
  },
  'database.credentials': {
    licence: stored('count', 'which licence the VPN credentials belong to', CREDENTIAL, ['S1']),
    verifier: stored('bytes', 'salted hash of VPN username and password together', CREDENTIAL, ['S1', 'S7']),
    name_key: stored('bytes', 'salted hash of the VPN username', CREDENTIAL, ['S7', 'S13']),
    nt_hash: stored('bytes', 'hash of the separate IKEv2 password, in the form that EAP-MSCHAPv2 needs', CREDENTIAL, [
      'S7',
      'S15',
    ]),
  },
  'database.devices': {
    public_key: stored('bytes', 'WireGuard public key that the customer brought', DEVICE, ['S7']),
    licence: stored('count', 'which licence the key belongs to', DEVICE, ['S4', 'S7']),
    host: stored('count', "index of the key's addresses inside the tunnel, drawn at random", DEVICE, ['S7']),
  },
  'database.sign_ins': {
    token_hash: stored('bytes', 'recognises the token of a sign-in, which itself is not kept', SIGN_IN, ['S2']),
    account: stored('random', 'who is signed in', SIGN_IN, ['S2']),
    expires_on: stored('date', 'last day on which the sign-in is valid', SIGN_IN, ['S2']),
  },
  'database.activations': {
    app: stored('word', 'which app was activated; not linked to an account', EVENT, ['S3']),
    app_version: stored('word', 'version of that app', EVENT, ['S3']),
    os: stored('word', 'operating system it runs on', EVENT, ['S3']),
    activated_on: stored('date', 'day of the activation, without the time', EVENT, ['S3']),
  },
  'database.usage_events': {
    date: stored('date', 'day on which a session ended, without the time', EVENT, ['S9']),
    user: stored('digest', 'salted, keyed hash of the random VPN username', EVENT, ['S9', 'S13']),
    country: stored('country', 'country of the network the session came from', EVENT, ['S9']),
    isp: stored('isp', 'operator of the network the session came from', EVENT, ['S9']),
    megabytes: stored('megabytes', 'data in and out together, rounded up', EVENT, ['S9', 'S13']),
    location: stored('word', 'group of gateways, never the gateway', EVENT, ['S9']),
    protocol: stored('word', 'tunnel protocol', EVENT, ['S9']),
  },
  'database.usage_batches': {
    batch: stored('random', 'lets a batch that was sent twice be counted once', 'two days', ['S9']),
    received_on: stored('date', 'day of arrival, so that the row can be deleted', 'two days', ['S9']),
  },
  'database.gateways': {
    gateway: stored('word', 'name of a gateway', SERVICE, ['S10']),
    serial: stored('count', 'counts the changes of its expected configuration', SERVICE, ['S10']),
    digest: stored('bytes', 'hash of the expected configuration that has this serial', SERVICE, ['S10']),
  },
  'database.authfile': {
    version: stored('count', 'version of the newest auth file', SERVICE, ['S7', 'S10']),
    salt: stored('bytes', 'makes the hashes of credentials worthless elsewhere', SERVICE, ['S7']),
  },
  'database.migrations': {
    number: stored('count', 'which changes of the schema have been made', SERVICE, []),
  },
} as const satisfies Record<`database.${string}`, Declaration>;
