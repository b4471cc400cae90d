// SPDX-License-Identifier: AGPL-3.0-or-later

/** What a gateway reports and control keeps as it came: one list of fields for both sides of the exit. */

/** What remains of a session that has ended. */
export const USAGE_EVENT = {
  date: { kind: 'date', purpose: 'day on which a session ended, without the time' },
  user: { kind: 'digest', purpose: 'salted, keyed hash of the random VPN username' },
  country: { kind: 'country', purpose: 'country of the network the session came from' },
  isp: { kind: 'isp', purpose: 'operator of the network the session came from' },
  megabytes: { kind: 'megabytes', purpose: 'data in and out together as the tunnel carried it, rounded up' },
  location: { kind: 'word', purpose: 'group of gateways, never the gateway' },
  protocol: { kind: 'word', purpose: 'tunnel protocol' },
} as const;

/** Events travel in batches. */
export const USAGE_BATCH = {
  batch: { kind: 'random', purpose: 'lets a batch that was sent twice be counted once' },
} as const;

/** What a gateway says about itself. */
export const GATEWAY_STATUS = {
  gateway: { kind: 'word', purpose: 'which gateway reports' },
  configuration: { kind: 'word', purpose: 'in_force or drifted' },
  authfile: { kind: 'count', purpose: 'version of the auth file in force' },
  release: { kind: 'word', purpose: 'version of the software' },
} as const;
