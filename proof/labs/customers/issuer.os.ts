// SPDX-License-Identifier: AGPL-3.0-or-later
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ntHashOf } from '../../../src/bytes/hashes/md4.ts';
import { nameKeyOf, verifierOf } from '../../../src/contracts/authfile/credential.ts';
import { SALT } from '../../../src/contracts/authfile/layout.ts';
import { type LoginRecord, type PeerRecord, sealAuthFile } from '../../../src/contracts/authfile/seal.ts';
import { type EpochDay, systemClock, today } from '../../../src/core/clock/clock.ts';
import { RecordingJournal } from '../../../src/core/journal/journal.ts';
import type { Entitlement, LicenceId, UsageTag } from '../../../src/core/licences/licence.ts';
import { type Random, systemRandom } from '../../../src/core/random/random.ts';
import { CurrentAuthFile } from '../../../src/gateway/authfile/current.ts';

/** A customer with a login. */
export interface TestCustomer {
  readonly username: string;
  readonly password: string;
  readonly seats?: number;
  /** Days from today; negative has expired. */
  readonly validFor?: number;
}

/** What a licence of this number allows for the next thirty days, unless the test says otherwise. */
export function entitlementOf(licence: number, change: Partial<Entitlement> = {}): Entitlement {
  return {
    licence: licence as LicenceId,
    expiresOn: (today(systemClock) + 30) as EpochDay,
    seats: 5,
    usageTag: licence.toString(16).padStart(16, '0') as UsageTag,
    ...change,
  };
}

/**
 * What gateways see of control: makes auth files of the customers that a test names, each newer than the last,
 * and signs them. `auth` is what an agent in the same process reads; programs of their own are given files.
 */
export class AuthFileIssuer {
  readonly #key = generateKeyPairSync('ed25519');
  readonly salt: Uint8Array;
  readonly publicKey = this.#key.publicKey;
  readonly journal = new RecordingJournal();
  readonly auth = new CurrentAuthFile(this.publicKey, this.journal);
  /** By username: a customer who is named again has the same licence. */
  readonly #licences = new Map<string, number>();
  #version = 0;

  constructor(random: Random = systemRandom) {
    this.salt = random.bytes(SALT);
  }

  /** Puts a new auth file into force, with these customers and no others. */
  publish(customers: readonly TestCustomer[], peers: readonly PeerRecord[] = []): void {
    this.auth.offer(this.seal(customers, peers));
  }

  seal(customers: readonly TestCustomer[], peers: readonly PeerRecord[] = []): Uint8Array {
    return this.sealRecords(
      customers.map((customer) => this.#loginOf(customer)),
      peers,
    );
  }

  /** Of records that were made with this issuer's salt: `sampleLogins` makes a million in a moment. */
  sealRecords(logins: readonly LoginRecord[], peers: readonly PeerRecord[] = []): Uint8Array {
    this.#version += 1;
    return sealAuthFile({ version: this.#version, salt: this.salt, logins, peers }, this.#key.privateKey);
  }

  /** Writes an auth file and the issuer's public key (PEM), and gives both paths. */
  write(directory: string, file: Uint8Array): readonly [file: string, key: string] {
    const paths = [join(directory, 'authfile'), join(directory, 'authfile.pub')] as const;
    writeFileSync(paths[0], file);
    writeFileSync(paths[1], this.publicKey.export({ type: 'spki', format: 'pem' }));
    return paths;
  }

  #loginOf({ username, password, seats = 5, validFor = 30 }: TestCustomer): LoginRecord {
    const licence = this.#licences.getOrInsert(username, this.#licences.size + 1);
    const expiresOn = (today(systemClock) + validFor) as EpochDay;
    return {
      verifier: verifierOf(this.salt, username, password),
      nameKey: nameKeyOf(this.salt, username),
      ntHash: ntHashOf(password),
      entitlement: entitlementOf(licence, { seats, expiresOn }),
    };
  }
}
