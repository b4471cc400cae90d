// SPDX-License-Identifier: AGPL-3.0-or-later
import type { KeyObject } from 'node:crypto';
import { HEADER, LOGIN } from '../../src/contracts/authfile/layout.ts';
import type { Random } from '../../src/core/random/random.ts';
import { AuthFileIssuer } from '../labs/customers/issuer.os.ts';
import { type SampleCustomer, sampleCustomers, sampleLogins } from '../labs/customers/sample.ts';
import type { BenchContext } from './bench.ts';

/** Bytes of a username and of a password; a query is both, one after the other. */
export const SECRET = 20;
export const QUERY = 2 * SECRET;

/** A sealed auth file of customers who do not exist, and logins to try: 90 % right, 5 % of each kind of wrong. */
export interface Credentials {
  readonly salt: Uint8Array;
  readonly count: number;
  readonly file: Uint8Array;
  readonly publicKey: KeyObject;
  /** `tries` times a username and a password. */
  readonly queries: Uint8Array;
  readonly tries: number;
  /** Others, to wake a side up before it is measured: it shall not find in the cache what it is asked for. */
  readonly warmUp: Uint8Array;
  readonly expected: Outcome;
}

/** What all sides must agree on. */
export interface Outcome {
  readonly accepted: number;
  /** Sum of licence, last day and seats of the accepted ones, modulo 2^32: an entitlement was read each time. */
  readonly sum: number;
}

export function makeCredentials({ random, size, say }: BenchContext): Credentials {
  const [count, tries] = size === 'full' ? [1_000_000, 200_000] : [2_000, 1_000];
  say(`making ${count} credentials`);
  const issuer = new AuthFileIssuer(random);
  const { salt, publicKey } = issuer;
  const customers = sampleCustomers(random, count);
  const file = issuer.sealRecords(sampleLogins(salt, customers, random));

  const { queries, expected } = makeQueries(customers, tries, random);
  const warmUp = makeQueries(customers, tries / 10, random).queries;
  return { salt, count, file, publicKey, queries, tries, warmUp, expected };
}

function makeQueries(customers: readonly SampleCustomer[], tries: number, random: Random) {
  const queries = Buffer.alloc(tries * QUERY);
  const choices = Buffer.from(random.bytes(tries * 4).buffer);
  let [accepted, sum] = [0, 0];
  for (let i = 0; i < tries; i += 1) {
    const chosen = choices.readUInt32LE(4 * i) % customers.length;
    const { username, password, entitlement } = customers[chosen] as SampleCustomer;
    queries.write(i % 20 === 0 ? `*${username.slice(1)}` : username, i * QUERY, 'latin1');
    queries.write(i % 20 === 1 ? `*${password.slice(1)}` : password, i * QUERY + SECRET, 'latin1');
    if (i % 20 < 2) continue;
    accepted += 1;
    sum = (sum + entitlement.licence + entitlement.expiresOn + entitlement.seats) >>> 0;
  }
  return { queries: new Uint8Array(queries.buffer), expected: { accepted, sum } };
}

/** The login records as the file has them, for the stores that are compared with it. */
export function* loginRecords({ file, count }: Credentials): Iterable<Uint8Array> {
  for (let index = 0; index < count; index += 1) {
    const at = HEADER + index * LOGIN;
    yield file.subarray(at, at + LOGIN);
  }
}
