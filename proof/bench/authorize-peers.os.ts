// SPDX-License-Identifier: AGPL-3.0-or-later
import { hash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { open } from 'lmdb';
import { sha256Forget, sha256Login } from '../../src/bytes/hashes/sha256.ts';
import { readEntitlement } from '../../src/contracts/authfile/entitlement.ts';
import { ENTITLEMENT, KEY, SALT } from '../../src/contracts/authfile/layout.ts';
import type { Entitlement } from '../../src/core/licences/licence.ts';
import { run } from '../../src/host/processes/process.os.ts';
import { type Credentials, loginRecords, type Outcome, QUERY, SECRET } from './credentials.ts';

/** A way to look a login up by the 16 bytes of its hash. */
export interface Store {
  readonly find: (key: Uint8Array) => Entitlement | undefined;
  close(): Promise<void>;
}

/** The fastest honest use: a clustered table, memory-mapped, one prepared statement. */
export function sqliteStore(directory: string, credentials: Credentials): Store {
  const database = new DatabaseSync(join(directory, 'logins.sqlite'));
  database.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA mmap_size = 1073741824;
    PRAGMA cache_size = -262144;
    CREATE TABLE login (key BLOB PRIMARY KEY, licence INTEGER, expiresOn INTEGER, seats INTEGER, usageTag TEXT)
    WITHOUT ROWID; BEGIN`);
  const insert = database.prepare('INSERT INTO login VALUES (?, ?, ?, ?, ?)');
  for (const record of loginRecords(credentials)) {
    const { licence, expiresOn, seats, usageTag } = entitlementIn(record.subarray(KEY));
    insert.run(record.subarray(0, KEY), licence, expiresOn, seats, usageTag);
  }
  database.exec('COMMIT');
  const select = database.prepare('SELECT licence, expiresOn, seats, usageTag FROM login WHERE key = ?');
  return {
    find: (key) => select.get(key) as unknown as Entitlement | undefined,
    close: async () => database.close(),
  };
}

/** The fastest honest use: binary keys and values, the value read in place. */
export function lmdbStore(directory: string, credentials: Credentials): Store {
  const database = open<Buffer, Buffer>({
    path: join(directory, 'logins.lmdb'),
    keyEncoding: 'binary',
    encoding: 'binary',
    noSync: true,
    mapSize: 2 ** 30,
  });
  database.transactionSync(() => {
    for (const record of loginRecords(credentials)) {
      database.putSync(Buffer.from(record.subarray(0, KEY)), Buffer.from(record.subarray(KEY)));
    }
  });
  return {
    find: (key) => {
      const found = database.getBinaryFast(key as Buffer);
      return found === undefined ? undefined : entitlementIn(found);
    },
    close: () => database.close(),
  };
}

function entitlementIn(bytes: Uint8Array): Entitlement {
  return readEntitlement(new DataView(bytes.buffer, bytes.byteOffset, ENTITLEMENT), 0);
}

/** Hashes a query at `at` and leaves the key, 16 bytes that the next call overwrites. */
export type Hasher = (queries: Uint8Array, at: number) => Uint8Array;

/** One SHA-256 as key and verifier, with the fastest that Node offers to those who have no hash of their own. */
export function nodeHasher({ salt }: Credentials): Hasher {
  const message = new Uint8Array(SALT + QUERY + 1);
  message.set(salt);
  return (queries, at) => {
    message.set(queries.subarray(at, at + SECRET), SALT);
    message.set(queries.subarray(at + SECRET, at + QUERY), SALT + SECRET + 1);
    return hash('sha256', message, 'buffer').subarray(0, KEY);
  };
}

/** The hash of the auth file, lent to a store: only the lookup differs. */
export function lentHasher({ salt }: Credentials): Hasher {
  const digest = Buffer.alloc(KEY);
  const words = new DataView(salt.buffer, salt.byteOffset, SALT);
  return (queries, at) => {
    const found = sha256Login(words, queries, at, at + SECRET, at + SECRET, at + QUERY);
    for (let i = 0; i < KEY; i += 4) digest.writeInt32BE(found.getInt32(i), i);
    sha256Forget();
    return digest;
  };
}

export function tryStore({ find }: Store, keyOf: Hasher, queries: Uint8Array): Outcome {
  let [accepted, sum] = [0, 0];
  for (let at = 0; at < queries.length; at += QUERY) {
    const entitlement = find(keyOf(queries, at));
    if (entitlement === undefined) continue;
    accepted += 1;
    sum = (sum + entitlement.licence + entitlement.expiresOn + entitlement.seats) >>> 0;
  }
  return { accepted, sum };
}

/** Compiles the C program and gives a run of it: seconds of CPU time and what it found. */
export async function compiledProgram(
  directory: string,
  credentials: Credentials,
): Promise<() => Promise<{ seconds: number; outcome: Outcome }>> {
  const place = (name: string): string => join(directory, name);
  const source = fileURLToPath(new URL('authorize.c', import.meta.url));
  await run(['gcc', '-O2', '-Wno-deprecated-declarations', '-o', place('authorize'), source, '-lcrypto']);
  writeFileSync(place('authfile'), credentials.file);
  writeFileSync(place('warm-up'), credentials.warmUp);
  writeFileSync(place('queries'), credentials.queries);
  const argv = [...['authorize', 'authfile', 'warm-up', 'queries'].map(place), String(SECRET)];
  return async () => {
    const [nanoseconds, accepted, sum] = (await run(argv)).split(' ').map(Number);
    return {
      seconds: (nanoseconds as number) / 1e9,
      outcome: { accepted: accepted as number, sum: sum as number },
    };
  };
}
