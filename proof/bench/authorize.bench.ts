// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuthFile } from '../../src/contracts/authfile/authfile.ts';
import { openAuthFile } from '../../src/contracts/authfile/open.ts';
import { compiledProgram, lentHasher, lmdbStore, nodeHasher, sqliteStore, tryStore } from './authorize-peers.os.ts';
import { type BenchContext, type Benchmark, cpuSeconds, interleave, type Row, rowOf } from './bench.ts';
import { makeCredentials, type Outcome, QUERY, SECRET } from './credentials.ts';

/** A login in process, with a million credentials, against two stores that know the same trick and a C program. */
export const benchmark: Benchmark = {
  about: 'logins per CPU second in process: the auth file, node:sqlite, lmdb, and C over the same file',
  run: async (context) => {
    using directory = mkdtempDisposableSync(join(tmpdir(), 'lethe-bench-'));
    return await measure(context, directory.path);
  },
};

async function measure(context: BenchContext, directory: string): Promise<Row[]> {
  const credentials = makeCredentials(context);
  const { expected, tries, publicKey } = credentials;
  const file = openAuthFile(credentials.file, publicKey);
  assert.ok(typeof file !== 'string');
  context.say('filling node:sqlite and lmdb, compiling the C program');
  const sqlite = sqliteStore(directory, credentials);
  const lmdb = lmdbStore(directory, credentials);
  const program = await compiledProgram(directory, credentials);
  const rate = (attempt: (queries: Uint8Array) => Outcome): number => {
    attempt(credentials.warmUp);
    let outcome: Outcome | undefined;
    const seconds = cpuSeconds(() => {
      outcome = attempt(credentials.queries);
    });
    assert.deepEqual(outcome, expected);
    return tries / seconds;
  };
  const [ownHash, lentHash] = [nodeHasher(credentials), lentHasher(credentials)];
  try {
    const samples = await interleave(context, {
      ours: () => rate((queries) => tryFile(file, queries)),
      sqlite: () => rate((queries) => tryStore(sqlite, ownHash, queries)),
      lmdb: () => rate((queries) => tryStore(lmdb, ownHash, queries)),
      lent: () => rate((queries) => tryStore(lmdb, lentHash, queries)),
      program: async () => {
        const { seconds, outcome } = await program();
        assert.deepEqual(outcome, expected);
        return tries / seconds;
      },
    });
    const name = `authorize, ${credentials.count} credentials`;
    const ours = { name, unit: 'logins/CPU s', samples: samples.ours };
    const limit = { name: 'C, same file', samples: samples.program, goal: { atLeast: 0.5 } };
    return [
      rowOf({ ...ours, peer: { name: 'node:sqlite', samples: samples.sqlite, goal: { atLeast: 12 } }, limit }),
      rowOf({ ...ours, peer: { name: 'lmdb', samples: samples.lmdb, goal: { atLeast: 3.5 } } }),
      rowOf({ ...ours, peer: { name: 'lmdb, lent our hash', samples: samples.lent } }),
    ];
  } finally {
    await sqlite.close();
    await lmdb.close();
  }
}

function tryFile(file: AuthFile, queries: Uint8Array): Outcome {
  let [accepted, sum] = [0, 0];
  for (let at = 0; at < queries.length; at += QUERY) {
    const entitlement = file.login(queries, at, at + SECRET, at + SECRET, at + QUERY);
    if (entitlement === undefined) continue;
    accepted += 1;
    sum = (sum + entitlement.licence + entitlement.expiresOn + entitlement.seats) >>> 0;
  }
  return { accepted, sum };
}
