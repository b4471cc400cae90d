// SPDX-License-Identifier: AGPL-3.0-or-later
import { mkdtempDisposableSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EpochDay, today } from '../../src/core/clock/clock.ts';
import { AuthFileIssuer } from '../labs/customers/issuer.os.ts';
import { type SampleCustomer, sampleCustomers, sampleLogins } from '../labs/customers/sample.ts';
import { freeUdpPort } from '../labs/network/port.os.ts';
import { type BenchContext, type Benchmark, type Row, rowOf } from './bench.ts';
import {
  type MeasuredGateway,
  type Memory,
  residentOf,
  type Sealed,
  withMeasuredGateway,
} from './memory-gateway.os.ts';
import { freeRadius } from './radius-peers.os.ts';

/** What the agent of a gateway needs of the machine, and what most others would put in its place. */
export const benchmark: Benchmark = {
  about:
    "memory of the gateway's agent: without an auth file, with one, and with sessions; FreeRADIUS with as many users",
  run: async (context) => {
    const scale = SCALES[context.size];
    const { sealed, customer, theirs } = await prepare(context, scale.credentials);
    context.say('starting a gateway');
    const taken = await withMeasuredGateway(context, sealed, customer, (gateway) => measure(context, gateway, scale));
    return rowsOf(taken, theirs, scale, sealed.file.length);
  },
};

interface Scale {
  readonly credentials: number;
  /** At most 255, the seats that one licence can have. */
  readonly sessions: number;
}

const SCALES: Readonly<Record<BenchContext['size'], Scale>> = {
  full: { credentials: 1_000_000, sessions: 200 },
  tiny: { credentials: 2000, sessions: 2 },
};

/** One of each kind a round. */
interface Taken {
  readonly bare: Memory[];
  readonly loaded: Memory[];
  readonly busy: Memory[];
  /** Megabytes. */
  readonly peak: number[];
}

/** Each round is an agent of its own. */
async function measure(context: BenchContext, gateway: MeasuredGateway, { sessions }: Scale): Promise<Taken> {
  const taken: Taken = { bare: [], loaded: [], busy: [], peak: [] };
  for (let round = 1; round <= context.rounds; round += 1) {
    context.say(`round ${round} of ${context.rounds}`);
    await gateway.restart();
    taken.bare.push(await gateway.memory());
    await gateway.publish();
    taken.loaded.push(await gateway.memory());
    await gateway.connect(sessions);
    taken.busy.push(await gateway.memory());
    taken.peak.push(gateway.peak());
    await gateway.disconnect();
  }
  return taken;
}

/** A session is too small to be seen in what is resident: what is in use tells. */
function rowsOf({ bare, loaded, busy, peak }: Taken, theirs: Theirs, scale: Scale, fileLength: number): Row[] {
  const { credentials, sessions } = scale;
  const resident = (taken: readonly Memory[]): number[] => taken.map((memory) => memory.resident);
  const growth = (kind: keyof Memory, from: readonly Memory[], to: readonly Memory[]): number[] =>
    to.map((memory, round) => memory[kind] - (from[round] as Memory)[kind]);
  const each = (megabytes: readonly number[], count: number): number[] =>
    megabytes.map((value) => (value * 1e6) / count);
  const many = `${credentials} credentials`;
  const name = 'FreeRADIUS, users file';
  return [
    rowOf({ name: 'agent, no auth file', unit: 'MB', samples: resident(bare) }),
    rowOf({
      name: `agent, ${many}`,
      unit: 'MB',
      samples: resident(loaded),
      peer: { name, samples: [theirs.loaded], goal: { atMost: 0.5 } },
    }),
    rowOf({ name: `agent, ${many}, ${sessions} sessions`, unit: 'MB', samples: resident(busy) }),
    rowOf({ name: 'agent, the most it ever held', unit: 'MB', samples: peak }),
    rowOf({
      name: 'agent, one credential',
      unit: 'bytes',
      samples: each(growth('resident', bare, loaded), credentials),
      peer: { name, samples: each([theirs.loaded - theirs.bare], credentials), goal: { atMost: 0.2 } },
      limit: { name: 'its part of the file', samples: [fileLength / credentials] },
    }),
    rowOf({ name: 'agent, one session', unit: 'bytes', samples: each(growth('held', loaded, busy), sessions) }),
  ];
}

/** FreeRADIUS, megabytes resident. */
interface Theirs {
  /** With a single user. */
  readonly bare: number;
  readonly loaded: number;
}

interface Prepared {
  readonly sealed: Sealed;
  /** Has seats for all sessions. */
  readonly customer: SampleCustomer;
  readonly theirs: Theirs;
}

/** What it makes on the way is garbage once it is done. */
async function prepare(context: BenchContext, count: number): Promise<Prepared> {
  const { random, clock, say } = context;
  say(`making ${count} credentials`);
  const customers = sampleCustomers(random, count);
  const [first] = customers.splice(0, 1) as [SampleCustomer];
  const expiresOn = (today(clock) + 30) as EpochDay;
  const customer = { ...first, entitlement: { ...first.entitlement, expiresOn, seats: 255 } };
  customers.push(customer);
  say('starting FreeRADIUS');
  const theirs = { bare: await residentOfFreeRadius([customer]), loaded: await residentOfFreeRadius(customers) };
  const issuer = new AuthFileIssuer(random);
  const file = issuer.sealRecords(sampleLogins(issuer.salt, customers, random));
  return { sealed: { file, publicKey: issuer.publicKey }, customer, theirs };
}

async function residentOfFreeRadius(customers: readonly SampleCustomer[]): Promise<number> {
  using directory = mkdtempDisposableSync(join(tmpdir(), 'lethe-bench-'));
  const server = await freeRadius(directory.path, customers, 'testing123', await freeUdpPort(), 'package');
  const resident = residentOf(server.pid);
  await server.stop();
  return resident;
}
