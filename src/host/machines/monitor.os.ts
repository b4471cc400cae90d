// SPDX-License-Identifier: AGPL-3.0-or-later
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { waitUntil } from '../../core/clock/until.ts';

/** QEMU refused a command, or is gone. */
export class MonitorError extends Error {
  override readonly name = 'MonitorError';
}

/** The answer to a command; `id` comes back as it was sent. Events and the greeting have none. */
interface Answer {
  readonly id?: number;
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (why: MonitorError) => void;
}

/** QEMU Machine Protocol (docs/interop/qmp-spec.txt): one JSON object a line, in both directions. */
export class Monitor {
  readonly #socket: Socket;
  readonly #pending = new Map<number, Pending>();
  #next = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    linesOf(socket, (line) => this.#answer(JSON.parse(line) as Answer));
    socket.on('error', () => undefined).once('close', () => this.#gone());
  }

  static async open(path: string): Promise<Monitor> {
    const monitor = new Monitor(await connected(path));
    await monitor.execute('qmp_capabilities');
    return monitor;
  }

  /** Commands are those of `qemu-qmp-ref(7)`. */
  execute(command: string, argument: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    if (this.#socket.destroyed) return Promise.reject(new MonitorError('the machine is off'));
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const id = this.#next++;
    this.#pending.set(id, { resolve, reject });
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: argument, id })}\n`);
    return promise;
  }

  close(): void {
    this.#socket.destroy();
  }

  #answer({ id = 0, return: value, error }: Answer): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) pending?.resolve(value);
    else pending?.reject(new MonitorError(error.desc));
  }

  #gone(): void {
    for (const { reject } of this.#pending.values()) reject(new MonitorError('the machine is off'));
    this.#pending.clear();
  }
}

/** Gives each line that comes over a socket. That the socket breaks is told by its end. */
export function linesOf(socket: Socket, take: (line: string) => void): void {
  createInterface({ input: socket })
    .on('line', take)
    .on('error', () => undefined);
}

/** A connection to a Unix socket that another program is about to open. */
export async function connected(path: string): Promise<Socket> {
  return await waitUntil(`somebody listens at ${path}`, () => attempt(path));
}

function attempt(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(socket)).once('error', () => resolve(undefined));
  });
}
