// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuthFileIssuer } from '../labs/customers/issuer.os.ts';
import { type SampleCustomer, sampleCustomers, sampleLogins } from '../labs/customers/sample.ts';
import { freeUdpPort } from '../labs/network/port.os.ts';
import { type BenchContext, type Benchmark, interleave, type Row, rowOf } from './bench.ts';
import { blaster, freeRadius, ourServer, type Peer } from './radius-peers.os.ts';

const SECRET = 'testing123';
const SOCKETS = 8;
const ACCEPT = 2;
const REJECT = 3;

/**
 * The RADIUS path as charon and other servers ask it, against the server that most of them ask. The bench is longer than
 * what it measures: a client in Node would be slower than either server, so that one in C asks (radblast.c), and FreeRADIUS
 * has to be set up twice, as packaged and with one thread.
 */
export const benchmark: Benchmark = {
  about: 'RADIUS logins (PAP over loopback UDP) per CPU second: the agent and FreeRADIUS with a users file',
  run: async (context) => {
    using directory = mkdtempDisposableSync(join(tmpdir(), 'lethe-bench-'));
    return await measure(context, directory.path);
  },
};

async function measure(context: BenchContext, directory: string): Promise<Row[]> {
  const { random, size, say } = context;
  const [count, tries] = size === 'full' ? [1_000_000, 200_000] : [2_000, 2_000];
  say(`making ${count} credentials and ${tries} requests`);
  const customers = sampleCustomers(random, count);
  const requests = join(directory, 'requests');
  writeFileSync(requests, requestsFor(customers, tries, context));
  const blast = await blaster(directory);
  say('starting both servers');
  const ours = await ourAuthFile(context, directory, customers);
  const theirs = await freeRadius(join(directory, 'package'), customers, SECRET, await freeUdpPort(), 'package');
  const single = await freeRadius(join(directory, 'single'), customers, SECRET, await freeUdpPort(), 'single');
  const rate = async (peer: Peer): Promise<number> => {
    const before = peer.cpu();
    const outcome = await blast(peer.port, SECRET, requests);
    assert.deepEqual([outcome.answered, outcome.wrong], [tries, 0]);
    return tries / (peer.cpu() - before);
  };
  try {
    const samples = await interleave(context, {
      ours: () => rate(ours),
      theirs: () => rate(theirs),
      single: () => rate(single),
    });
    const row = { name: `RADIUS PAP, ${count} credentials`, unit: 'logins/CPU s', samples: samples.ours };
    return [
      rowOf({ ...row, peer: { name: 'FreeRADIUS, users file', samples: samples.theirs, goal: { atLeast: 2.5 } } }),
      rowOf({ ...row, peer: { name: 'FreeRADIUS, users file, one thread', samples: samples.single } }),
    ];
  } finally {
    await Promise.all([ours, theirs, single].map((peer) => peer.stop()));
  }
}

function ourAuthFile({ random }: BenchContext, directory: string, customers: readonly SampleCustomer[]): Promise<Peer> {
  const issuer = new AuthFileIssuer(random);
  const logins = sampleLogins(issuer.salt, customers, random);
  const [file, key] = issuer.write(directory, issuer.sealRecords(logins));
  const first = Math.min(...customers.slice(0, 1000).map((customer) => customer.entitlement.expiresOn));
  return ourServer(file, key, SECRET, (first - 1000) * 86_400_000);
}

/** As radblast.c reads them: 90 % right, 5 % of each kind of wrong. */
function requestsFor(customers: readonly SampleCustomer[], tries: number, { random }: BenchContext): Uint8Array {
  const choices = Buffer.from(random.bytes(tries * 4).buffer);
  const authenticators = Buffer.from(random.bytes(tries * 16).buffer);
  const pieces: Buffer[] = [];
  for (let i = 0; i < tries; i += 1) {
    const { username, password } = customers[choices.readUInt32LE(4 * i) % customers.length] as SampleCustomer;
    const request = papRequest(
      Math.floor(i / SOCKETS) % 256,
      authenticators.subarray(16 * i, 16 * i + 16),
      i % 20 === 0 ? `*${username.slice(1)}` : username,
      i % 20 === 1 ? `*${password.slice(1)}` : password,
    );
    pieces.push(Buffer.from([request.length >>> 8, request.length & 0xff, i % 20 < 2 ? REJECT : ACCEPT]), request);
  }
  return Buffer.concat(pieces);
}

/** RFC 2865 §4.1 with Message-Authenticator. The password is of at most 32 bytes. */
function papRequest(identifier: number, authenticator: Buffer, username: string, password: string): Buffer {
  const covered = Buffer.alloc(32);
  covered.write(password, 'latin1');
  let previous: Uint8Array = authenticator;
  for (const block of [covered.subarray(0, 16), covered.subarray(16)]) {
    const mask = createHash('md5').update(SECRET).update(previous).digest();
    for (let i = 0; i < 16; i += 1) block[i] = (block[i] as number) ^ (mask[i] as number);
    previous = block;
  }
  const name = Buffer.from(username, 'latin1');
  const packet = Buffer.concat([
    Buffer.from([1, identifier, 0, 0]),
    authenticator,
    Buffer.from([1, name.length + 2]),
    name,
    Buffer.from([2, covered.length + 2]),
    covered,
    Buffer.from([80, 18]),
    Buffer.alloc(16),
  ]);
  packet.writeUInt16BE(packet.length, 2);
  createHmac('md5', SECRET)
    .update(packet)
    .digest()
    .copy(packet, packet.length - 16);
  return packet;
}
