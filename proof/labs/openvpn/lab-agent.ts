// SPDX-License-Identifier: AGPL-3.0-or-later
import { generateKeyPairSync } from 'node:crypto';
import { ntHashOf } from '../../../src/bytes/hashes/md4.ts';
import type { AuthSource } from '../../../src/contracts/authfile/authfile.ts';
import { nameKeyOf, verifierOf } from '../../../src/contracts/authfile/credential.ts';
import { type LoginRecord, sealAuthFile } from '../../../src/contracts/authfile/seal.ts';
import type { OpenvpnProtocol } from '../../../src/contracts/plan/openvpn/server.ts';
import { systemClock, today } from '../../../src/core/clock/clock.ts';
import { RecordingJournal } from '../../../src/core/journal/journal.ts';
import type { LicenceId, UsageTag } from '../../../src/core/licences/licence.ts';
import { systemRandom } from '../../../src/core/random/random.ts';
import type { EndReason, UsageRecord } from '../../../src/core/sessions/session.ts';
import { CurrentAuthFile } from '../../../src/gateway/authfile/current.ts';
import { type OriginLookup, UNKNOWN_ORIGIN } from '../../../src/gateway/geoip/origin.ts';
import { LiveSessions } from '../../../src/gateway/sessions/live.ts';
import { OpenvpnAdapter } from '../../../src/gateway/tunnels/openvpn/adapter.os.ts';

// The agent as far as OpenVPN needs it, with everything it heard and wrote, for tests and benchmarks.

export interface LabCustomer {
  readonly username: string;
  readonly password: string;
  readonly seats?: number;
  /** Days from today; negative has expired. */
  readonly validFor?: number;
}

/** The side that issues auth files, which any number of agents may read. */
export class LabAuthority {
  readonly #key = generateKeyPairSync('ed25519');
  readonly #salt = systemRandom.bytes(14);
  readonly journal = new RecordingJournal();
  readonly publicKey = this.#key.publicKey;
  readonly auth = new CurrentAuthFile(this.publicKey, this.journal);
  #version = 0;

  /** Puts a new auth file into force, with these customers and nobody else. */
  publish(customers: readonly LabCustomer[]): void {
    this.auth.offer(this.seal(customers));
  }

  seal(customers: readonly LabCustomer[]): Uint8Array {
    this.#version += 1;
    const logins = customers.map((customer, index) => this.#record(customer, index));
    return sealAuthFile({ version: this.#version, salt: this.#salt, logins, peers: [] }, this.#key.privateKey);
  }

  #record({ username, password, seats = 5, validFor = 30 }: LabCustomer, index: number): LoginRecord {
    return {
      verifier: verifierOf(this.#salt, username, password),
      nameKey: nameKeyOf(this.#salt, username),
      ntHash: ntHashOf(password),
      entitlement: {
        licence: (index + 1) as LicenceId,
        expiresOn: (today(systemClock) + validFor) as ReturnType<typeof today>,
        seats,
        usageTag: systemRandom.bytes(8).toHex() as UsageTag,
      },
    };
  }
}

/** Says which address bytes it was asked about, in place of data about countries. */
export class CountingOrigin implements OriginLookup {
  asked: { first: number; last: number; length: number } | undefined;
  readonly lengths = new Set<4 | 16>();

  of(bytes: Uint8Array, start: number, length: 4 | 16): typeof UNKNOWN_ORIGIN {
    this.lengths.add(length);
    this.asked = { first: bytes[start] as number, last: bytes[start + length - 1] as number, length };
    return { country: 'CH', isp: 'Example Net' };
  }
}

export class LabAgent {
  readonly used: UsageRecord[] = [];
  readonly journal = new RecordingJournal();
  readonly origin = new CountingOrigin();
  readonly sessions: LiveSessions;
  readonly adapter: OpenvpnAdapter;

  constructor(authority: { readonly auth: AuthSource }, path: string, protocol: OpenvpnProtocol = 'openvpn-tcp') {
    const { journal, origin } = this;
    const deps = { clock: systemClock, journal };
    this.sessions = new LiveSessions({ ...deps, random: systemRandom, used: (record) => this.used.push(record) });
    this.adapter = new OpenvpnAdapter({
      ...deps,
      protocol,
      path,
      origin,
      sessions: this.sessions,
      auth: authority.auth,
      retry: 50,
    });
  }

  /** Sessions that hold a seat. */
  get live(): number {
    return this.sessions.list().length;
  }
}

/** Ends every session, as the service does. */
export function endAll(sessions: LiveSessions, reason: EndReason): void {
  sessions.endThese(
    Array.from(sessions.list(), ({ session }) => session),
    reason,
  );
}
