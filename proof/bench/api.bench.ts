// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type Child, spawnChild } from '../../src/host/processes/process.os.ts';
import { untilSays } from '../../src/host/processes/ready.os.ts';
import { type BenchContext, type Benchmark, interleave, type Row, rowOf } from './bench.ts';
import { cpuSecondsOf } from './openvpn-sides.os.ts';

const TOKEN = 'a'.repeat(43);
const CONNECTIONS = 32;
const REQUEST = `GET /api/v1/licence HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`;

interface Server {
  readonly child: Child;
  readonly port: number;
}

/** The way of an authenticated call through sign-in, schema and inventory, without the database behind it. */
export const benchmark: Benchmark = {
  about: 'authenticated API calls per CPU second: ours, and a handler of node:http that answers ok',
  run: async (context) => {
    const [ours, empty] = await Promise.all([server('ours', TOKEN), server('empty')]);
    try {
      await assertRefuses(ours);
      return await measure(context, ours, empty);
    } finally {
      await Promise.all([ours.child.stop(), empty.child.stop()]);
    }
  },
};

async function measure(context: BenchContext, ours: Server, empty: Server): Promise<Row[]> {
  const calls = context.size === 'full' ? 30_000 : 640;
  const samples = await interleave(context, {
    ours: () => rate(ours, calls, /^HTTP\/1\.1 200 OK\r\n[^]*\{"expires_on":"2026-12-13","seats":5,"trial":true\}$/),
    empty: () => rate(empty, calls, /^HTTP\/1\.1 200 OK\r\n[^]*ok$/),
  });
  const limit = { name: 'node:http, an empty handler', samples: samples.empty, goal: { atLeast: 0.6 } };
  return [rowOf({ name: 'API, GET licence', unit: 'calls/CPU s', samples: samples.ours, limit })];
}

async function server(...words: readonly string[]): Promise<Server> {
  const program = fileURLToPath(new URL('api-server.os.ts', import.meta.url));
  const child = spawnChild([process.execPath, program, ...words]);
  const [, port] = await untilSays(child, 'the server', /serves http:\/\/127\.0\.0\.1:(\d+)/);
  return { child, port: Number(port) };
}

async function assertRefuses({ port }: Server): Promise<void> {
  const headers = { authorization: `Bearer ${'b'.repeat(43)}` };
  assert.equal((await fetch(`http://127.0.0.1:${port}/api/v1/licence`, { headers })).status, 401);
}

/** Calls for each second of the server's CPU, over connections that ask again as soon as they are answered. */
async function rate({ child, port }: Server, calls: number, expected: RegExp): Promise<number> {
  const before = cpuSecondsOf(child);
  const each = calls / CONNECTIONS;
  await Promise.all(Array.from({ length: CONNECTIONS }, () => asked(connect(port, '127.0.0.1'), each, expected)));
  // What is too short for the kernel's clock proves nothing but that it runs.
  return calls / Math.max(0.01, cpuSecondsOf(child) - before);
}

async function asked(socket: Socket, times: number, expected: RegExp): Promise<void> {
  socket.setEncoding('latin1');
  for (let time = 0; time < times; time += 1) {
    socket.write(REQUEST);
    const [answer] = (await once(socket, 'data')) as [string];
    assert.match(answer, expected);
  }
  socket.destroy();
}
