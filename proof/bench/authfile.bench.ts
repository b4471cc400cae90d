// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { openAuthFile, type SealedAuthFile } from '../../src/contracts/authfile/open.ts';
import { SAMPLE_DAYS } from '../labs/customers/sample.ts';
import { type BenchContext, type Benchmark, collectGarbage, cpuSeconds, interleave, type Row, rowOf } from './bench.ts';
import { type Credentials, makeCredentials } from './credentials.ts';

/** What the file costs a gateway: memory, and the time until it is in force. */
export const benchmark: Benchmark = {
  about: 'memory of the auth file against its entropy, and opening it against one SHA-256 over it',
  run: async (context) => {
    const credentials = makeCredentials(context);
    return [memoryRow(context, credentials), await openingRow(context, credentials)];
  },
};

/**
 * Bits that any representation needs: verifier, name key and NT hash of 128 bits, a licence of 39, a usage tag of 64, one
 * of 400 days. All have the same number of seats. The order of the records says nothing, which saves log2 n!.
 */
function entropyBytes(count: number): number {
  const bits = 3 * 128 + 39 + 64 + Math.log2(SAMPLE_DAYS);
  let order = 0;
  for (let i = 2; i <= count; i += 1) order += Math.log2(i);
  return (count * bits - order) / 8;
}

function memoryRow({ rounds, size }: BenchContext, credentials: Credentials): Row {
  const { count, file } = credentials;
  const samples = Array.from({ length: rounds + 1 }, () => bytesOf(credentials) / count).slice(1);
  const row = rowOf({
    name: `auth file in memory, ${count} credentials`,
    unit: 'bytes/credential',
    samples,
    limit: { name: 'entropy', samples: [entropyBytes(count) / count], goal: { atMost: 1.25 } },
  });
  assert.ok(size === 'tiny' || row.value >= file.length / count, 'less than the file itself is no measurement');
  return row;
}

/** What is held more while a copy of the file is open. Nothing of it outlives the call, so the next one starts even. */
function bytesOf({ file, publicKey }: Credentials): number {
  const before = bytesHeld();
  const opened = openAuthFile(file.slice(), publicKey);
  const bytes = bytesHeld() - before;
  assert.ok(typeof opened !== 'string');
  return bytes;
}

function bytesHeld(): number {
  for (let pass = 0; pass < 3; pass += 1) collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function openingRow(context: BenchContext, { file, publicKey, count }: Credentials): Promise<Row> {
  let opened: SealedAuthFile | string = '';
  const samples = await interleave(context, {
    ours: () =>
      1000 *
      cpuSeconds(() => {
        opened = openAuthFile(file, publicKey);
      }),
    digest: () => 1000 * cpuSeconds(() => assert.equal(hash('sha256', file).length, 64)),
  });
  assert.ok(typeof opened !== 'string');
  return rowOf({
    name: `auth file opened and verified, ${count} credentials`,
    unit: 'CPU ms',
    samples: samples.ours,
    limit: { name: 'SHA-256 of the file', samples: samples.digest, goal: { atMost: 5 } },
  });
}
