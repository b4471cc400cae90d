// SPDX-License-Identifier: AGPL-3.0-or-later
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { SessionId } from '../../core/sessions/session.ts';
import type { Tunnel } from '../tunnels/protocol.ts';
import { openHeartbeats, StartError } from './heartbeat.os.ts';
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

test('other paths and methods are refused', async () => {
  await withServer(HOME, async ({ say, beats }) => {
    assert.match(await say(POST.replace('/v1/heartbeat', '/')), /^HTTP\/1\.1 404 /);
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
