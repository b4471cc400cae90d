// SPDX-License-Identifier: AGPL-3.0-or-later
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { LONGEST_FILE } from '../../contracts/authfile/size.ts';
import { fleetAuthorization, LONGEST_WAIT, SIGNATURE_HEADER, waitPreference } from '../../contracts/fleet/endpoints.ts';
import type { Outgoing } from './exit.ts';

/** What control answered to a GET: a document, or that the one we have is still the newest. */
export interface Document {
  readonly etag: string | undefined;
  readonly signature: string | undefined;
  readonly body: Uint8Array;
}

/** No answer, or not as control answers: wrong status, too much, too slowly, another certificate. */
export type Away = 'away';

export interface FleetOptions {
  readonly controlUrl: string;
  /** PEM: the one authority that may have signed control's certificate. */
  readonly ca: string;
  readonly token: string;
  /** Milliseconds until an answer begins, and for most of them until it ends. */
  readonly timeout?: number;
}

/** Longer than control may wait with an answer. */
const TIMEOUT = 1000 * LONGEST_WAIT + 5000;
/** How much an answer may be, and how long it may take once it has begun: auth files of millions take their time. */
export const LIMITS = {
  authFile: { bytes: LONGEST_FILE, timeout: 300_000 },
  document: { bytes: 2 ** 18 },
  answer: { bytes: 2 ** 22 },
} as const;

interface Limit {
  readonly bytes: number;
  readonly timeout?: number;
}

/**
 * The gateway's only connection to another machine: HTTPS to control, which must show a certificate of the pinned
 * authority. What goes out has passed the exit; what comes in is bounded in size and time. An error of any kind is
 * `away`, without a word of what was said on the wire.
 */
export class FleetClient {
  readonly #options: FleetOptions;
  readonly #agent: Agent;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#agent = new Agent({ ca: options.ca, minVersion: 'TLSv1.3', keepAlive: false });
  }

  /** `wait`: seconds for which the answer may be put off while it would be that nothing has changed. */
  async fetch(path: string, etag: string | undefined, limit: Limit, wait = 0): Promise<Document | 'unchanged' | Away> {
    const headers = {
      ...(etag === undefined ? {} : { 'if-none-match': etag }),
      ...(wait === 0 ? {} : waitPreference(wait)),
    };
    const reply = await this.#exchange('GET', path, headers, '', limit);
    if (reply === 'away') return 'away';
    const { message, body } = reply;
    if (message.statusCode === 304) return 'unchanged';
    if (message.statusCode !== 200) return 'away';
    return { etag: message.headers.etag, signature: message.headers[SIGNATURE_HEADER]?.toString(), body };
  }

  /** The body of the answer; empty for 204. */
  async post(outgoing: Outgoing): Promise<Uint8Array | Away> {
    const headers = { 'content-type': 'application/json' };
    const reply = await this.#exchange('POST', outgoing.path, headers, outgoing.body, LIMITS.answer);
    if (reply === 'away') return 'away';
    return reply.message.statusCode === 200 || reply.message.statusCode === 204 ? reply.body : 'away';
  }

  close(): void {
    this.#agent.destroy();
  }

  async #exchange(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    limit: Limit,
  ): Promise<{ message: IncomingMessage; body: Uint8Array } | Away> {
    const { controlUrl, token, timeout = TIMEOUT } = this.#options;
    const deadline = new Deadline(timeout);
    const outgoing = request(new URL(path, controlUrl), {
      method,
      agent: this.#agent,
      headers: { ...headers, authorization: fleetAuthorization(token), 'content-length': Buffer.byteLength(body) },
      signal: deadline.signal,
    });
    try {
      const message = await new Promise<IncomingMessage>((resolve, reject) => {
        outgoing.on('response', resolve).on('error', reject).end(body);
      });
      deadline.set(limit.timeout ?? timeout);
      return { message, body: await readBody(message, limit.bytes) };
    } catch {
      outgoing.destroy();
      return 'away';
    } finally {
      deadline.clear();
    }
  }
}

/** An abort signal that can be put off. */
class Deadline {
  readonly #abort = new AbortController();
  #timer: NodeJS.Timeout;

  constructor(milliseconds: number) {
    this.#timer = this.#start(milliseconds);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  set(milliseconds: number): void {
    this.clear();
    this.#timer = this.#start(milliseconds);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }

  #start(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => this.#abort.abort(), milliseconds);
  }
}

class TooMuchError extends Error {
  override readonly name = 'TooMuchError';
}

async function readBody(message: IncomingMessage, bytes: number): Promise<Uint8Array> {
  const announced = Number(message.headers['content-length'] ?? 0);
  if (!(announced <= bytes)) throw new TooMuchError();
  let body = new Uint8Array(announced);
  let length = 0;
  for await (const chunk of message as AsyncIterable<Uint8Array>) {
    if (length + chunk.length > bytes) throw new TooMuchError();
    if (length + chunk.length > body.length) {
      const larger = new Uint8Array(Math.min(bytes, 2 * (length + chunk.length)));
      larger.set(body);
      body = larger;
    }
    body.set(chunk, length);
    length += chunk.length;
  }
  return length === body.length ? body : body.slice(0, length);
}
