// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../src/core/clock/clock.ts';
import { type Child, spawnChild } from '../../src/host/processes/process.os.ts';
import { untilSays } from '../../src/host/processes/ready.os.ts';
import { type BenchContext, type Benchmark, inTurn, interleave, median, type Row, rowOf } from './bench.ts';

/** What one stranger does, in words, and with how many connections. */
const STRANGERS = {
  idle: ['holds connections and says nothing', 2000],
  slow: ['sends bodies byte by byte', 1000],
  large: ['sends bodies without an end', 8],
  guessing: ['guesses account numbers', 32],
  greedy: ['has an account and asks without a pause', 8],
} as const;

/** Milliseconds in which the service stops, on a busy machine too. */
const GRACE = 30_000;

type Kind = keyof typeof STRANGERS;

interface Attacked {
  readonly clock: Clock;
  readonly port: number;
  readonly honest: string;
  readonly stranger: string;
}

/** The stranger, the service with its database, and the customer who is measured share the machine. */
export const benchmark: Benchmark = {
  about: 'how long a customer waits for an answer while one stranger attacks the portal, and left alone',
  run: async (context) => {
    const server = spawnChild([process.execPath, program('attacked-server.os.ts')]);
    try {
      const line = /serves http:\/\/127\.0\.0\.1:(\d+) (\S+) (\S+)\n/;
      const [, port, honest = '', stranger = ''] = await untilSays(server, 'the server', line);
      return await measure(context, { clock: context.clock, port: Number(port), honest, stranger });
    } finally {
      assert.equal((await server.stop(GRACE)).code, 0, server.output());
    }
  },
};

async function measure(context: BenchContext, attacked: Attacked): Promise<Row[]> {
  const kinds = Object.keys(STRANGERS) as Kind[];
  const calls = context.size === 'full' ? 200 : 10;
  const sides = Object.fromEntries(kinds.map((kind) => [kind, () => during(kind, attacked, calls)]));
  const measured = context.size === 'full' ? interleave : inTurn;
  const samples = await measured(context, {
    ...(sides as Record<Kind, () => Promise<number>>),
    alone: () => waits(attacked, calls),
  });
  const peer = { name: 'left alone', samples: samples.alone, goal: { atMost: 10 } };
  return kinds.map((kind) =>
    rowOf({ name: `answer, while one ${STRANGERS[kind][0]}`, unit: 'ms', samples: samples[kind], peer }),
  );
}

async function during(kind: Kind, attacked: Attacked, calls: number): Promise<number> {
  const words = [kind, attacked.port, attacked.stranger, STRANGERS[kind][1]].map(String);
  const stranger: Child = spawnChild([process.execPath, program('attacker.os.ts'), ...words]);
  try {
    await untilSays(stranger, 'the stranger', /attacks\n/);
    return await waits(attacked, calls);
  } finally {
    await stranger.stop();
  }
}

/** The median of milliseconds, over calls on connections of their own. Throws when one is not answered as it should. */
async function waits(attacked: Attacked, calls: number): Promise<number> {
  const waited: number[] = [];
  for (let call = 0; call < calls; call += 1) {
    const began = attacked.clock.elapsed();
    assert.match(await answer(attacked), /^HTTP\/1\.1 200 OK\r\n[^]*"seats":5/);
    waited.push(attacked.clock.elapsed() - began);
  }
  return median(waited);
}

async function answer({ port, honest }: Attacked): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  socket.write(
    `GET /api/v1/licence HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${honest}\r\nconnection: close\r\n\r\n`,
  );
  let text = '';
  socket.on('data', (piece: string) => {
    text += piece;
  });
  await once(socket, 'close');
  return text;
}

function program(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
