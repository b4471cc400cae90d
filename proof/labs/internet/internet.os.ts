// SPDX-License-Identifier: AGPL-3.0-or-later
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createTcpServer, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { addressBytes } from '../../../src/bytes/text/address.ts';
import { answerQuestion, type Zone } from './dns.ts';

/**
 * A small Internet for tests and the demo: a web server that tells each caller from which address it called, and a
 * name server that answers for every name below one zone. It is on the far side of the gateway and remembers in
 * memory what it was asked, as the real one would.
 */
export interface Internet {
  close(): Promise<void>;
}

export interface InternetOptions {
  readonly http: number;
  readonly dns: number;
  /** `internet.test` */
  readonly zone: string;
  /** What every name below the zone resolves to. */
  readonly address4: string;
  readonly address6: string;
}

/** The path that gives the names asked so far, as a JSON array; every other path gives the caller's address. */
export const ASKED_PATH = '/asked';

export async function openInternet(options: InternetOptions): Promise<Internet> {
  const asked: string[] = [];
  const zone: Zone = { name: options.zone, a: addressBytes(options.address4), aaaa: addressBytes(options.address6) };
  const answer = (query: Uint8Array): Uint8Array | undefined => {
    const given = answerQuestion(query, zone);
    if (given !== undefined) asked.push(given.name);
    return given?.packet;
  };
  const servers = [
    await serveHttp(options.http, asked),
    await serveDnsOverUdp(options.dns, answer),
    await serveDnsOverTcp(options.dns, answer),
  ];
  return {
    async close() {
      await Promise.all(servers.map((close) => close()));
    },
  };
}

type Close = () => Promise<unknown>;
type Answer = (query: Uint8Array) => Uint8Array | undefined;

async function serveHttp(port: number, asked: readonly string[]): Promise<Close> {
  const server = createHttpServer((request, response) => {
    const caller = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    response.setHeader('connection', 'close');
    response.end(request.url === ASKED_PATH ? JSON.stringify(asked) : `${caller}\n`);
  });
  server.listen(port, '::');
  await once(server, 'listening');
  return () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
}

/** A socket for each address of the machine, so that an answer comes from the address that was asked. */
async function serveDnsOverUdp(port: number, answer: Answer): Promise<Close> {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  // A router has one address on several cables.
  const usable = new Set(addresses.map(({ address }) => address).filter((address) => !address.startsWith('fe80:')));
  const sockets = await Promise.all(
    Array.from(usable, async (address) => {
      const socket = createSocket(isIP(address) === 4 ? 'udp4' : 'udp6', (query, from) => {
        const packet = answer(query);
        if (packet !== undefined) socket.send(packet, from.port, from.address);
      });
      socket.bind(port, address);
      await once(socket, 'listening');
      return socket;
    }),
  );
  return async () => {
    for (const socket of sockets) socket.close();
  };
}

/** RFC 1035 section 4.2.2: each message behind its length in two bytes. One question per connection is enough here. */
async function serveDnsOverTcp(port: number, answer: Answer): Promise<Close> {
  const server = createTcpServer((socket) => {
    let received = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return;
      const packet = answer(received.subarray(2, 2 + received.readUInt16BE(0))) ?? new Uint8Array();
      const length = Buffer.alloc(2);
      length.writeUInt16BE(packet.length);
      socket.end(Buffer.concat([length, packet]));
    });
  });
  server.listen(port, '::');
  await once(server, 'listening');
  return () => new Promise((resolve) => server.close(resolve));
}
