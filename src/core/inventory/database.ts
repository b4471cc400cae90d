// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Store, store } from './datum.ts';
import { USAGE_BATCH, USAGE_EVENT } from './reports.ts';
import { KEPT } from './retention.ts';

/**
 * Every table and column of the control database. A test compares this with the real schema. The order is that of "What we
 * know about you".
 */
export const DATABASE = {
  'database.accounts': store({
    about: { customer: 'account', column: 'id' },
    holder: 'control',
    retention: KEPT.account,
    fields: {
      id: { kind: 'random', purpose: 'joins the account to its licence and its sign-ins' },
      number_hash: { kind: 'bytes', purpose: 'recognises the account number, which itself is not kept' },
    },
  }),
  'database.licences': store({
    about: { customer: 'account', column: 'account' },
    holder: 'control',
    retention: KEPT.account,
    fields: {
      id: { kind: 'count', purpose: 'random number that stands for the licence on gateways' },
      account: { kind: 'random', purpose: 'whose licence it is' },
      expires_on: { kind: 'date', purpose: 'last day on which the licence is valid' },
      seats: { kind: 'count', purpose: 'how many connections at once' },
      trial: {
        kind: 'flag',
        purpose: 'whether it came free with the sign-up: WireGuard keys of trials are bounded together',
      },
    },
  }),
  'database.sign_ins': store({
    about: { customer: 'account', column: 'account' },
    holder: 'control',
    retention: KEPT.signIn,
    fields: {
      token_hash: { kind: 'bytes', purpose: 'recognises the token of a sign-in, which itself is not kept' },
      account: { kind: 'random', purpose: 'who is signed in' },
      expires_on: { kind: 'date', purpose: 'last day on which the sign-in is valid' },
    },
  }),
  'database.credentials': store({
    about: { customer: 'licence', column: 'licence' },
    holder: 'control',
    retention: KEPT.credentials,
    fields: {
      licence: { kind: 'count', purpose: 'which licence the VPN credentials belong to' },
      verifier: { kind: 'bytes', purpose: 'salted hash of VPN username and password together' },
      name_key: { kind: 'bytes', purpose: 'salted hash of the VPN username' },
      nt_hash: { kind: 'bytes', purpose: 'hash of the separate IKEv2 password, in the form that EAP-MSCHAPv2 needs' },
    },
  }),
  'database.devices': store({
    about: { customer: 'licence', column: 'licence' },
    holder: 'control',
    retention: KEPT.device,
    fields: {
      public_key: { kind: 'bytes', purpose: 'WireGuard public key that the customer brought' },
      licence: { kind: 'count', purpose: 'which licence the key belongs to' },
      host: { kind: 'count', purpose: "index of the key's addresses inside the tunnel, drawn at random" },
    },
  }),
  'database.closed_accounts': store({
    about: 'unlinked',
    holder: 'control',
    retention: KEPT.twoDays,
    fields: {
      account_hash: {
        kind: 'bytes',
        purpose: 'hash of the random key of an account that was deleted, so that the form that made it makes no other',
      },
      closed_on: { kind: 'date', purpose: 'day on which the account was deleted, so that the row can be deleted too' },
    },
  }),
  'database.activations': store({
    about: 'unlinked',
    holder: 'control',
    retention: KEPT.twoYears,
    fields: {
      app: { kind: 'word', purpose: 'which app was activated; not linked to an account' },
      app_version: { kind: 'word', purpose: 'version of that app' },
      os: { kind: 'word', purpose: 'operating system it runs on' },
      activated_on: { kind: 'date', purpose: 'day of the activation, without the time' },
    },
  }),
  'database.usage_events': store({
    about: { customer: 'usage tag', column: 'user' },
    holder: 'control',
    retention: KEPT.twoYears,
    fields: {
      ...USAGE_EVENT,
      user: {
        kind: 'digest',
        purpose: 'keyed hash of what the gateway sent as user; the key goes with the salt of the month',
      },
    },
  }),
  'database.usage_salts': store({
    about: 'unlinked',
    holder: 'control',
    retention: KEPT.twoMonths,
    fields: {
      month: { kind: 'date', purpose: 'first day of the month whose events the salt is for' },
      salt: {
        kind: 'bytes',
        purpose: 'with the usage key, leads from a licence to its events; once it is gone, nothing does',
      },
    },
  }),
  'database.usage_batches': store({
    about: 'unlinked',
    holder: 'control',
    retention: KEPT.twoDays,
    fields: {
      ...USAGE_BATCH,
      received_on: { kind: 'date', purpose: 'day of arrival, so that the row can be deleted' },
    },
  }),
  'database.gateways': store({
    about: 'service',
    holder: 'control',
    retention: KEPT.service,
    fields: {
      gateway: { kind: 'word', purpose: 'name of a gateway' },
      serial: { kind: 'count', purpose: 'counts the changes of its expected configuration' },
      digest: { kind: 'bytes', purpose: 'hash of the expected configuration that has this serial' },
    },
  }),
  'database.authfile': store({
    about: 'service',
    holder: 'control',
    retention: KEPT.service,
    fields: {
      version: { kind: 'count', purpose: 'version of the newest auth file' },
      salt: { kind: 'bytes', purpose: 'makes the hashes of credentials worthless elsewhere' },
    },
  }),
  'database.migrations': store({
    about: 'service',
    holder: 'control',
    retention: KEPT.service,
    fields: {
      number: { kind: 'count', purpose: 'which changes of the schema have been made' },
    },
  }),
} satisfies Record<`database.${string}`, Store>;
