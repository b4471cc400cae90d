// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { waitUntil } from '../../core/clock/until.ts';
import type { SessionId } from '../../core/sessions/session.ts';
import type { Tunnel } from '../tunnels/protocol.ts';
import { MOST_CONNECTIONS, MOST_PER_ADDRESS, openHeartbeats, StartError } from './heartbeat.os.ts';
import { innerAddressesOf } from './tunnels.ts';

const SESSION = '0011223344556677' as SessionId;

function tunnelOf(address: Uint8Array, session: SessionId): Tunnel {
  return {
    async start() {},
    stop() {},
    sessionAt: (bytes, start, length) =>
      Buffer.compare(bytes.subarray(start, start + length), address) === 0 ? session : undefined,
  };
}

interface Place {
  readonly say: (request: string) => Promise<string>;
  readonly beats: SessionId[];
}

/** A server on the loopback address, with a tunnel whose customer has `address`. */
async function withServer(address: Uint8Array, use: (place: Place) => Promise<void>, seated = true): Promise<void> {
  const beats: SessionId[] = [];
  const server = await openHeartbeats(
    {
      inner: innerAddressesOf([
        tunnelOf(Uint8Array.of(10, 64, 0, 2), 'other' as SessionId),
        tunnelOf(address, SESSION),
      ]),
      beat: (session) => beats.push(session) > 0 && seated,
    },
    { address: '127.0.0.1', port: 0 },
  );
  const { port } = server.address() as AddressInfo;
  try {
    await use({
      beats,
      async say(request) {
        const socket = connect(port, '127.0.0.1');
        await once(socket, 'connect');
        socket.on('error', () => undefined);
        socket.write(request, 'latin1');
        return text(socket).catch(() => '');
      },
    });
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const HOME = Uint8Array.of(127, 0, 0, 1);
const POST = 'POST /v1/heartbeat HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n';

test('a beat from an inner address keeps the seat of the session behind it', async () => {
  await withServer(HOME, async ({ say, beats }) => {
    assert.match(await say(POST), /^HTTP\/1\.1 204 /);
    assert.match(await say(POST.replace('content-length: 0', 'content-length: 3') + 'abc'), /^HTTP\/1\.1 204 /);
    assert.deepEqual(beats, [SESSION, SESSION]);
  });
});

test('an answer says nothing about the gateway but the status', async () => {
  await withServer(HOME, async ({ say }) => {
    const headers = (await say(POST)).split('\r\n').slice(1).filter(Boolean);
    assert.deepEqual(
      headers.map((header) => header.split(':')[0]?.toLowerCase()),
      ['connection'],
    );
  });
});

test('an address without a session, and a session without a seat, are not found', async () => {
  await withServer(Uint8Array.of(10, 64, 0, 3), async ({ say, beats }) => {
    assert.match(await say(POST), /^HTTP\/1\.1 404 /);
    assert.deepEqual(beats, []);
  });
  await withServer(HOME, async ({ say }) => assert.match(await say(POST), /^HTTP\/1\.1 404 /), false);
});

const PAGE = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

test('a person with a browser inside the tunnel is told that the device is connected, and nothing that tells two apart', async () => {
  await withServer(HOME, async ({ say, beats }) => {
    const page = await say(PAGE);
    assert.match(page, /^HTTP\/1\.1 200 [^]*This device is connected/);
    assert.doesNotMatch(page, /127\.0\.0\.1|^date:|<script|href|src=/im);
    assert.match(page, /^content-security-policy: default-src 'none'\r$/m);
    assert.equal(await say(PAGE.replace('host: x', 'host: y\r\ncookie: a=b')), page);
    assert.deepEqual(beats, [], 'it keeps no seat');
  });
  const unknown = Uint8Array.of(10, 64, 0, 3);
  await withServer(unknown, async ({ say }) => assert.match(await say(PAGE), /^HTTP\/1\.1 200 /, 'not known yet'));
});

test('other paths and methods are refused', async () => {
  await withServer(HOME, async ({ say, beats }) => {
    assert.match(await say(POST.replace('/v1/heartbeat', '/elsewhere')), /^HTTP\/1\.1 404 /);
    assert.match(await say(POST.replace('/v1/heartbeat', '/')), /^HTTP\/1\.1 405 [^]*allow: GET/);
    assert.match(await say(POST.replace('POST', 'GET')), /^HTTP\/1\.1 405 [^]*allow: POST/);
    assert.deepEqual(beats, []);
  });
});

test('junk ends the connection and nothing else', async () => {
  await withServer(HOME, async ({ say }) => {
    for (const junk of ['\x00\xff\r\n\r\n', 'POST\r\n\r\n', `GET / HTTP/1.1\r\nx: ${'y'.repeat(5000)}\r\n\r\n`]) {
      assert.equal(await say(junk), '');
    }
    assert.match(await say(POST), /^HTTP\/1\.1 204 /);
  });
});

test('a customer who holds connections open keeps no other from beating, and has a few at a time', async () => {
  const place = { address: '0.0.0.0', port: 0 };
  const server = await openHeartbeats({ inner: { sessionAt: () => SESSION }, beat: () => true }, place);
  const { port } = server.address() as AddressInfo;
  const open: Socket[] = [];
  /** Begins a request and never ends it. */
  const slow = (localAddress: string) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    open.push(socket);
    socket.on('error', () => undefined);
    socket.on('connect', () => socket.write(POST.slice(0, 20)));
  };
  const beat = async (localAddress: string) => {
    const socket = connect({ host: '127.0.0.1', port, localAddress });
    socket.on('error', () => undefined);
    socket.write(POST);
    return (await text(socket).catch(() => '')).slice(0, 12);
  };
  try {
    for (let connection = 0; connection < 400; connection += 1) slow('127.0.0.2');
    const connected = () => open.filter(({ readyState }) => readyState !== 'closed').length;
    await waitUntil('a few are left', () => connected() <= MOST_PER_ADDRESS);
    assert.equal(await beat('127.0.0.2'), '', 'its own are used up');
    for (let customer = 3; customer < 60; customer += 1)
      assert.equal(await beat(`127.0.0.${customer}`), 'HTTP/1.1 204');
    for (const socket of open) socket.destroy();
    await waitUntil('it may beat again', async () => (await beat('127.0.0.2')) === 'HTTP/1.1 204');

    const customers = Array.from({ length: MOST_CONNECTIONS / MOST_PER_ADDRESS + 20 }, (_, index) => index);
    const all = customers.flatMap((index) =>
      Array<string>(MOST_PER_ADDRESS).fill(`127.1.${index >> 7}.${index % 128}`),
    );
    for (const address of all) slow(address);
    const connections = () =>
      new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));
    await waitUntil('as many as may be are there', async () => (await connections()) >= MOST_CONNECTIONS);
    assert.ok((await connections()) <= MOST_CONNECTIONS, 'and no more');
  } finally {
    for (const socket of open) socket.destroy();
    server.close();
    server.closeAllConnections();
  }
});

test('a place that is taken is said as such', async () => {
  const parts = { inner: innerAddressesOf([]), beat: () => false };
  const server = await openHeartbeats(parts, { address: '127.0.0.1', port: 0 });
  const { port } = server.address() as AddressInfo;
  await assert.rejects(
    openHeartbeats(parts, { address: '127.0.0.1', port }),
    new StartError('heartbeat_address_taken'),
  );
  server.close();
});
