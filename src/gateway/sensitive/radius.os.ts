// SPDX-License-Identifier: AGPL-3.0-or-later
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { RadiusServer } from './radius.ts';
import { MAX_RADIUS_PACKET } from './radius-packet.ts';
import { MAX_RADIUS_REPLY } from './radius-reply.ts';

/** Replies that wait at most: as many as packets are received in one turn of the loop. */
const REPLIES = 32;
/** Milliseconds. */
const WINDOW = 100;
/** So many packets in a window are each washed at once; of more than that, those that follow wash most. */
const WASHED_AT_ONCE = 64;

/**
 * The server's UDP socket. The runtime receives each datagram in a block that it frees without wiping and takes again
 * for the next one. So after a packet the socket sends itself one of zeros, as long as a packet can be: it is there
 * before the packet's handler returns, and is received into the same place.
 *
 * Answers wait until all packets that have arrived are answered, which is the same turn of the loop: a client that sent
 * many packets is woken once.
 */
export class RadiusSocket {
  readonly #server: RadiusServer;
  readonly #replies = Array.from({ length: REPLIES }, () => new Uint8Array(new ArrayBuffer(MAX_RADIUS_REPLY)));
  /** What is to be sent of each, made anew only when the length changes. */
  readonly #pieces: Uint8Array[] = [];
  readonly #askers: RemoteInfo[] = [];
  readonly #zeros = new Uint8Array(new ArrayBuffer(MAX_RADIUS_PACKET));
  #socket: Socket | undefined;
  #own = 0;
  #waiting = 0;
  #washes = 0;
  #window: NodeJS.Timeout | undefined;

  constructor(server: RadiusServer) {
    this.#server = server;
  }

  /** Rejects when the port is taken. Gives the port, which matters only when 0 was asked for. */
  async open(address: string, port: number): Promise<number> {
    // Without this, small buffers of the runtime would share one block with whatever else is small.
    Buffer.poolSize = 0;
    const socket = createSocket({
      type: 'udp4',
      recvBufferSize: 1 << 20,
      // Answers go back to where a question came from: numbers, never names.
      lookup: (host, _options, callback) => callback(null, host, 4),
    });
    this.#socket = socket;
    socket.on('message', (packet, from) => this.#receive(packet, from));
    await new Promise<void>((resolve, reject) => {
      // It stays for the socket's life: once open, an answer that cannot be sent is lost, and charon asks again.
      socket.on('error', reject);
      socket.bind({ address, port, exclusive: true }, () => {
        this.#own = socket.address().port;
        resolve();
      });
    });
    return this.#own;
  }

  close(): void {
    clearTimeout(this.#window);
    this.#window = undefined;
    this.#washes = 0;
    this.#socket?.close();
    this.#socket = undefined;
  }

  #receive(packet: Uint8Array, from: RemoteInfo): void {
    if (from.port === this.#own) return;
    const length = this.#server.answer(packet, packet.length);
    this.#window ??= setTimeout(() => this.#endWindow(), WINDOW);
    if (length > 0) this.#keep(length, from);
    this.#washes += 1;
    if (this.#washes <= WASHED_AT_ONCE) this.#wash();
  }

  #keep(length: number, to: RemoteInfo): void {
    const place = this.#waiting;
    const reply = this.#replies[place] as Uint8Array;
    for (let i = 0; i < length; i += 1) reply[i] = this.#server.reply.bytes[i] as number;
    if (this.#pieces[place]?.length !== length) this.#pieces[place] = reply.subarray(0, length);
    this.#askers[place] = to;
    this.#waiting += 1;
    if (place === 0) setImmediate(() => this.#send());
    if (this.#waiting === REPLIES) this.#send();
  }

  #send(): void {
    for (let place = 0; place < this.#waiting; place += 1) {
      const to = this.#askers[place] as RemoteInfo;
      this.#socket?.send(this.#pieces[place] as Uint8Array, to.port, to.address);
    }
    this.#waiting = 0;
    this.#askers.length = 0;
  }

  #wash(): void {
    this.#socket?.send(this.#zeros, this.#own, '127.0.0.1');
  }

  #endWindow(): void {
    this.#window = undefined;
    this.#washes = 0;
    for (const reply of this.#replies) reply.fill(0);
    this.#server.reply.bytes.fill(0);
    this.#wash();
  }
}
