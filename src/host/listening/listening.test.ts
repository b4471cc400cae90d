// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { TestAuthority } from '../../../proof/labs/authority/authority.ts';
import type { CrowdLimits } from './crowd.ts';
import { type Listening, listenHttp, listenHttps } from './listening.os.ts';

const authority = await TestAuthority.create();
const { certificate: cert, key } = await authority.server('control.lethe.test', ['127.0.0.1']);
const open: { close(): Promise<void> }[] = [];
const sockets: Socket[] = [];
after(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(open.map((listening) => listening.close()));
});

async function secure(crowd: Partial<CrowdLimits> = {}): Promise<Listening> {
  const limits = { perSource: 64, strangers: 1024, known: () => new Set<string>(), ...crowd };
  const at = { address: '127.0.0.1', port: 0, tls: { cert, key }, crowd: limits };
  const listening = await listenHttps(at, (_request, response) => response.end('answered'));
  open.push(listening);
  return listening;
}

function portOf({ url }: Listening): number {
  return Number(new URL(url).port);
}

/** A connection that says nothing, or what it is told to. */
async function idle(listening: Listening, from: string): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: portOf(listening), localAddress: from });
  socket.on('error', () => undefined);
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

async function crowdOf(count: number, listening: Listening, from: string): Promise<Socket[]> {
  return Promise.all(Array.from({ length: count }, () => idle(listening, from)));
}

/** What a client is answered, or nothing. */
async function probe(listening: Listening, from: string): Promise<string> {
  const socket = connectTls({
    host: '127.0.0.1',
    port: portOf(listening),
    ca: authority.certificate,
    servername: 'control.lethe.test',
    socket: await idle(listening, from),
  });
  socket.end('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  let text = '';
  try {
    for await (const chunk of socket) text += String(chunk);
  } catch {
    return '';
  }
  return text;
}

for (const count of [128, 1000]) {
  test(`${count} connections of one source that say nothing keep no one else out`, async () => {
    const listening = await secure();
    await crowdOf(count, listening, '127.0.0.2');
    assert.match(await probe(listening, '127.0.0.3'), /^HTTP\/1\.1 200 OK[^]*answered$/);
  });
}

test('strangers of all sources together keep out none who is known', async () => {
  const listening = await secure({ strangers: 100, known: () => new Set(['127.0.0.9']) });
  for (const from of ['127.0.0.2', '127.0.0.3']) await crowdOf(64, listening, from);
  assert.equal(await probe(listening, '127.0.0.4'), '');
  assert.match(await probe(listening, '127.0.0.9'), /answered$/);
});

test('who says nothing is sent away after five seconds over TLS, after some ten without, and leaves a place', async () => {
  const listening = await secure({ perSource: 3 });
  const plain = await listenHttp({ address: '127.0.0.1', port: 0 }, (_request, response) => response.end());
  open.push(plain);
  const began = performance.now();
  const gone = async (socket: Socket): Promise<number> => {
    socket.resume();
    await once(socket, 'close');
    return performance.now() - began;
  };
  const [first] = await crowdOf(3, listening, '127.0.0.2');
  const silent = await idle(plain, '127.0.0.2');
  assert.equal(await probe(listening, '127.0.0.2'), '');
  const [tls, http] = await Promise.all([gone(first ?? assert.fail()), gone(silent)]);
  assert.ok(tls > 4000 && tls < 9000, `TLS ${tls}`);
  assert.ok(http > 9000 && http < 16_000, `plain ${http}`);
  assert.match(await probe(listening, '127.0.0.2'), /answered$/);
});

test('a request for another protocol is answered as if it asked for none, and ends its connection', async () => {
  const listening = await listenHttp({ address: '127.0.0.1', port: 0 }, (_request, response) => response.end('plain'));
  open.push(listening);
  const socket = await idle(listening, '127.0.0.2');
  let text = '';
  socket.on('data', (chunk) => {
    text += String(chunk);
  });
  const closed = once(socket, 'close');
  socket.write('POST / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: 5\r\n\r\n');
  const began = performance.now();
  await closed;
  assert.ok(performance.now() - began < 2000);
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n[^]*connection: close[^]*plain$/i);
});

test('a port that is taken is one sentence', async () => {
  const listening = await secure();
  const { port } = new URL(listening.url);
  await assert.rejects(
    listenHttp({ address: '127.0.0.1', port: Number(port) }, () => undefined),
    { name: 'ListenError', message: `Cannot listen on 127.0.0.1 port ${port} (EADDRINUSE).` },
  );
});
