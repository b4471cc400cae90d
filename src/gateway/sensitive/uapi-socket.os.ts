// SPDX-License-Identifier: AGPL-3.0-or-later
import { connect, type Socket } from 'node:net';
import type { UapiReply } from './uapi-reply.ts';

/** How long the daemon may take for one answer, with all its peers. Milliseconds. */
const ANSWER_TIMEOUT = 10_000;

/** `lost`: the daemon is gone or does not answer. `junk`: what it said is not the protocol. */
export type Exchange = 'done' | 'junk' | 'lost';

/**
 * A connection to the daemon's socket. Bytes arrive in one buffer, are read there and wiped before the next come; a
 * request is sent from the caller's buffer, which the caller wipes.
 */
export class UapiSocket {
  readonly #path: string;
  readonly #received = new Uint8Array(new ArrayBuffer(65_536));
  readonly #reply: UapiReply;
  readonly #timeout: number;
  #socket: Socket | undefined;
  #settle: ((outcome: Exchange) => void) | undefined;
  #fail: ((error: unknown) => void) | undefined;

  constructor(path: string, reply: UapiReply, timeout = ANSWER_TIMEOUT) {
    this.#path = path;
    this.#reply = reply;
    this.#timeout = timeout;
  }

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  async connect(): Promise<boolean> {
    return await new Promise((resolve) => {
      const socket = connect({
        path: this.#path,
        onread: { buffer: this.#received, callback: (length) => this.#receive(length) },
      });
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        if (this.#socket === socket) this.close();
        resolve(false);
      });
      socket.on('connect', () => {
        this.#socket = socket;
        resolve(true);
      });
    });
  }

  /** Sends a request and reads its reply. Rejects only when the callback that is told about peers throws. */
  async exchange(request: Uint8Array): Promise<Exchange> {
    const socket = this.#socket;
    if (socket === undefined) return 'lost';
    const timer = setTimeout(() => socket.destroy(), this.#timeout);
    try {
      return await new Promise<Exchange>((resolve, reject) => {
        this.#settle = resolve;
        this.#fail = reject;
        socket.write(request);
      });
    } finally {
      clearTimeout(timer);
      this.#settle = undefined;
      this.#fail = undefined;
    }
  }

  close(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
    this.#settle?.('lost');
  }

  #receive(length: number): boolean {
    try {
      this.#reply.feed(this.#received, length);
      if (this.#reply.state === 'done') this.#settle?.('done');
      if (this.#reply.state === 'junk') this.#settle?.('junk');
    } catch (error) {
      this.#fail?.(error);
    } finally {
      this.#received.fill(0, 0, length);
    }
    return true;
  }
}
