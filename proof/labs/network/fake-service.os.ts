// SPDX-License-Identifier: AGPL-3.0-or-later
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

/** A test double that answers on a Unix socket, until it dies and cuts everybody off. */
export abstract class FakeService {
  protected readonly connections = new Set<Socket>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer((socket) => {
      this.connections.add(socket);
      socket.on('close', () => this.connections.delete(socket));
      socket.on('error', () => socket.destroy());
      this.serve(socket);
    });
  }

  /** Answers one connection. */
  protected abstract serve(socket: Socket): void;

  async listen(path: string): Promise<void> {
    this.#server.listen(path);
    await once(this.#server, 'listening');
  }

  async close(): Promise<void> {
    for (const socket of this.connections) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
