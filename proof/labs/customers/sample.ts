// SPDX-License-Identifier: AGPL-3.0-or-later

import { nameKeyOf, verifierOf } from '../../../src/contracts/authfile/credential.ts';
import { NT_HASH, PUBLIC_KEY } from '../../../src/contracts/authfile/layout.ts';
import type { LoginRecord, PeerRecord } from '../../../src/contracts/authfile/seal.ts';
import type { EpochDay } from '../../../src/core/clock/clock.ts';
import type { Entitlement, LicenceId, UsageTag } from '../../../src/core/licences/licence.ts';
import type { Random } from '../../../src/core/random/random.ts';

/** A customer who does not exist, for tests and benchmarks: credentials as real ones are, of 20 characters each. */
export interface SampleCustomer {
  readonly username: string;
  readonly password: string;
  readonly entitlement: Entitlement;
}

const SECRETS = 30;
const ENTITLEMENT = 15;
const FIRST_DAY = 20_778;

/** Expiry days are spread over this many. */
export const SAMPLE_DAYS = 400;

function entitlementOf(bytes: Buffer): Entitlement {
  return {
    licence: (1 + (bytes.readUIntBE(0, 5) % (2 ** 39 - 1))) as LicenceId,
    expiresOn: (FIRST_DAY + (bytes.readUInt16BE(5) % SAMPLE_DAYS)) as EpochDay,
    seats: 5,
    usageTag: bytes.toString('hex', 7, 15) as UsageTag,
  };
}

export function sampleCustomers(random: Random, count: number): SampleCustomer[] {
  const size = SECRETS + ENTITLEMENT;
  const chance = Buffer.from(random.bytes(count * size).buffer);
  return Array.from({ length: count }, (_, index) => {
    const bytes = chance.subarray(index * size, (index + 1) * size);
    return {
      username: bytes.toString('base64url', 0, SECRETS / 2),
      password: bytes.toString('base64url', SECRETS / 2, SECRETS),
      entitlement: entitlementOf(bytes.subarray(SECRETS)),
    };
  });
}

/** What control would put into the auth file. NT hashes are random: a test of EAP-MSCHAPv2 puts the real ones. */
export function sampleLogins(salt: Uint8Array, customers: readonly SampleCustomer[], random: Random): LoginRecord[] {
  const ntHashes = random.bytes(customers.length * NT_HASH);
  return customers.map(({ username, password, entitlement }, index) => ({
    verifier: verifierOf(salt, username, password),
    nameKey: nameKeyOf(salt, username),
    ntHash: ntHashes.subarray(index * NT_HASH, (index + 1) * NT_HASH),
    entitlement,
  }));
}

export function samplePeers(random: Random, count: number): PeerRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    publicKey: random.bytes(PUBLIC_KEY),
    host: index + 2,
    entitlement: entitlementOf(Buffer.from(random.bytes(ENTITLEMENT))),
  }));
}
