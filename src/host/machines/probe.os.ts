// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Socket } from 'node:net';
import { connected, linesOf } from './monitor.os.ts';

/** What a command in the guest ended with. */
export interface ProbeResult {
  readonly code: number;
  /** Standard output and standard error, as they came. */
  readonly output: Buffer;
}

/** The probe in the guest did not answer, or a command ended with another code than 0. */
export class ProbeError extends Error {
  override readonly name = 'ProbeError';
}

interface Pending {
  readonly number: number;
  readonly resolve: (outcome: ProbeResult) => void;
  readonly reject: (why: ProbeError) => void;
}

/** Beyond the limit of a command in the guest, for the way there and back; an emulated machine is slow. Milliseconds. */
const SLACK = 120_000;
/** Seconds after which a command is ended that was given no limit. Two emulated machines on a busy host are very slow. */
const LIMIT = 600;

/**
 * Runs commands as root in a guest whose image was built for tests; the other half is image/probe/probe/serve. One at a
 * time, in the order in which they are asked for.
 */
export class Probe {
  readonly #socket: Socket;
  readonly #ready = Promise.withResolvers<void>();
  #pending: Pending | undefined;
  #queue: Promise<unknown>;
  #next = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#queue = this.#ready.promise;
    this.#queue.catch(() => undefined);
    linesOf(socket, (line) => this.#line(line));
    socket.on('error', () => undefined).once('close', () => this.#lost('the machine is off'));
  }

  static async open(path: string): Promise<Probe> {
    return new Probe(await connected(path));
  }

  /** Resolves when the guest's half is there; fails when the machine goes off before. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Runs a line of shell in the guest. `limit` is in seconds; a command that takes longer is ended with code 143. */
  run(command: string, limit = LIMIT): Promise<ProbeResult> {
    const outcome = this.#queue.then(() => this.#send(command, limit));
    this.#queue = outcome.catch(() => undefined);
    return outcome;
  }

  /** The output of a command as text; fails unless it ends with 0. */
  async text(command: string, limit = LIMIT): Promise<string> {
    const { code, output } = await this.run(command, limit);
    if (code !== 0) throw new ProbeError(`in the guest, ${command} ended with ${code}: ${output.toString().trim()}`);
    return output.toString();
  }

  /** A file of the guest, byte for byte. */
  async file(path: string): Promise<Buffer> {
    const { code, output } = await this.run(`cat '${path}'`);
    if (code !== 0) throw new ProbeError(`in the guest, ${path}: ${output.toString().trim()}`);
    return output;
  }

  close(): void {
    this.#socket.destroy();
  }

  async #send(command: string, limit: number): Promise<ProbeResult> {
    const { promise, resolve, reject } = Promise.withResolvers<ProbeResult>();
    if (this.#socket.destroyed) throw new ProbeError('the machine is off');
    const number = this.#next++;
    this.#pending = { number, resolve, reject };
    this.#socket.write(`${number} ${limit} ${Buffer.from(`${command}\n`).toString('base64')}\n`);
    const timer = setTimeout(() => this.#lost(`no answer to ${command}`), limit * 1000 + SLACK);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #line(line: string): void {
    const [number, code, output = ''] = line.split(' ');
    if (number === '0') {
      this.#ready.resolve();
      this.#lost('it was started anew');
    } else if (Number(number) === this.#pending?.number) {
      this.#pending.resolve({ code: Number(code), output: Buffer.from(output, 'base64') });
      this.#pending = undefined;
    }
  }

  #lost(why: string): void {
    const error = new ProbeError(`the probe in the guest is lost: ${why}`);
    this.#ready.reject(error);
    this.#ready.promise.catch(() => undefined);
    this.#pending?.reject(error);
    this.#pending = undefined;
  }
}
