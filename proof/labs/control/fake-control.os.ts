// SPDX-License-Identifier: AGPL-3.0-or-later
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { Certified } from '../authority/authority.ts';

/** A request as the stand-in heard it. */
export interface Heard {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  readonly etag: string | undefined;
  readonly body: string;
}

type Answer = (heard: Heard, response: ServerResponse) => void;

/** Control as a gateway's tests need it: real TLS, and whatever answer a test sets for a path. */
export class FakeControl {
  readonly heard: Heard[] = [];
  readonly #server: Server;
  readonly #host: string;
  readonly #answers = new Map<string, Answer>();

  private constructor(server: Server, host: string) {
    this.#server = server;
    this.#host = host;
  }

  /** `port` 0 takes any that is free. */
  static async open({ certificate, key }: Certified, port = 0, host = '127.0.0.1'): Promise<FakeControl> {
    const server = createServer({ cert: certificate, key });
    const control = new FakeControl(server, host);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void control.#hear(request, response));
    server.listen(port, host);
    await once(server, 'listening');
    return control;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `https://${this.#host}:${this.port}`;
  }

  /** From now on. Paths without an answer get 404. */
  answer(path: string, answer: Answer): void {
    this.#answers.set(path, answer);
  }

  /** A document with its tag, and 304 for who has it. */
  document(path: string, body: Uint8Array | string, headers: Readonly<Record<string, string>>): void {
    this.answer(path, (heard, response) => {
      if (heard.etag !== undefined && heard.etag === headers.etag) response.writeHead(304).end();
      else response.writeHead(200, headers).end(body);
    });
  }

  /** The bodies sent to a path, oldest first. */
  bodies(path: string): unknown[] {
    return this.heard.filter((heard) => heard.path === path).map((heard): unknown => JSON.parse(heard.body));
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #hear(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const heard: Heard = {
      method: String(request.method),
      path: String(request.url),
      authorization: request.headers.authorization,
      etag: request.headers['if-none-match'],
      body: (await buffer(request)).toString(),
    };
    this.heard.push(heard);
    const answer = this.#answers.get(heard.path);
    if (answer === undefined) response.writeHead(404).end();
    else answer(heard, response);
  }
}
