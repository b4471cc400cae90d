// SPDX-License-Identifier: AGPL-3.0-or-later
import { once } from 'node:events';
import { connect } from 'node:net';
import { parseAddress } from '../../../bytes/text/address.ts';
import { word } from '../../../bytes/text/scan.ts';
import type { TunnelPlan } from '../../../contracts/plan/plan.ts';
import { hostOf, innerPools } from '../../../contracts/plan/pool.ts';
import { DaemonContact } from '../../../core/journal/contact.ts';
import type { Journal } from '../../../core/journal/journal.ts';
import type { InnerAddresses, InnerPools } from '../../../core/sessions/inner.ts';
import { innerKey } from '../../sensitive/openvpn.ts';
import { writeKey } from '../inner-keys.ts';

/** Addresses of one request; the program takes 512 of each family. */
const BATCH = 256;
/** Milliseconds until a request is made again, and that an answer may take. */
const RETRY = 1000;
const TIMEOUT = 30_000;

/**
 * Makes the kernel forget what a customer had open, once no session has the customer's inner addresses any more. Otherwise a
 * connection that was not closed would say for two hours who visited what, for a WireGuard device has one inner address
 * for ever. The agent has no right to delete flows; it asks a small program that has (see flows.c).
 */
export class FlowForgetting {
  readonly #socket: string;
  readonly #inner: InnerAddresses;
  readonly #pools: readonly InnerPools[];
  readonly #contact: DaemonContact;
  readonly #address = new Uint8Array(16);
  readonly #pending = new Set<number>();
  /** Keys that had flows and no session at the last look. */
  #suspects = new Set<number>();
  #running = false;
  #retry: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(parts: {
    readonly socket: string;
    readonly inner: InnerAddresses;
    readonly tunnels: Readonly<Record<string, TunnelPlan>>;
    readonly journal: Journal;
  }) {
    this.#socket = parts.socket;
    this.#inner = parts.inner;
    this.#pools = Object.values(parts.tunnels).map((tunnel) => innerPools(tunnel));
    this.#contact = new DaemonContact(parts.journal, 'flows');
  }

  /** An inner address, as innerKey makes a number of it, belongs to no session any more. */
  vacated(key: number): void {
    this.#pending.add(key);
    void this.#forget();
  }

  /**
   * Looks for flows of sessions that ended while the agent was away. One that has just begun may not be known yet, so only
   * what had no session at two looks is forgotten.
   */
  async sweep(): Promise<void> {
    const sources = await this.#ask('get=1\n\n');
    if (sources === undefined) return;
    const suspects = new Set<number>();
    for (const line of sources.split('\n')) {
      const key = this.#keyOf(line);
      if (key === undefined || !this.#isFree(key)) continue;
      if (this.#suspects.has(key)) this.vacated(key);
      else suspects.add(key);
    }
    this.#suspects = suspects;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
  }

  async #forget(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    clearTimeout(this.#retry);
    while (this.#pending.size > 0 && !this.#stopped) {
      const batch = Array.from(this.#pending.values().take(BATCH));
      const lines = batch.filter((key) => this.#isFree(key)).map((key) => `address=${this.#textOf(key)}\n`);
      if (lines.length > 0 && (await this.#ask(`forget=1\n${lines.join('')}\n`)) === undefined) break;
      for (const key of batch) this.#pending.delete(key);
    }
    this.#running = false;
    if (this.#pending.size === 0 || this.#stopped) return;
    this.#retry = setTimeout(() => void this.#forget(), RETRY);
    this.#retry.unref();
  }

  /** An address that a customer has again keeps its flows. */
  #isFree(key: number): boolean {
    const length = writeKey(this.#pools, key, this.#address);
    // Of an IPv6 address, the pool is a part of the key.
    const inside = length === 16 || this.#pools.some((pools) => hostOf(pools, this.#address, 0, 4) !== undefined);
    if (length === 0 || !inside) return false;
    return this.#inner.sessionAt(this.#address, 0, length) === undefined;
  }

  #textOf(key: number): string {
    if (writeKey(this.#pools, key, this.#address) === 4) return this.#address.subarray(0, 4).join('.');
    return Array.from({ length: 8 }, (_, index) => this.#address.subarray(2 * index, 2 * index + 2).toHex()).join(':');
  }

  #keyOf(line: string): number | undefined {
    const written = word(line.replace('address=', ''));
    const length = parseAddress(written, 0, written.length, this.#address);
    return length === 0 ? undefined : innerKey(this.#address, 0, length);
  }

  /** What comes before `errno=0`; undefined where the program is away, or could not do what it was asked. */
  async #ask(request: string): Promise<string | undefined> {
    const answer = await converse(this.#socket, request);
    const [, said, errno] = /^((?:address=[\d.a-f:]+\n)*)errno=(-?\d+)\n\n$/.exec(answer ?? '') ?? [];
    if (this.#stopped) return undefined;
    if (errno === '0') this.#contact.found();
    else this.#contact.lost();
    return errno === '0' ? said : undefined;
  }
}

/** One request, and the answer up to its last line. */
async function converse(path: string, request: string): Promise<string | undefined> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    socket.setTimeout(TIMEOUT, () => socket.destroy(new Error('no answer')));
    socket.setEncoding('latin1');
    socket.write(request);
    let answer = '';
    for await (const chunk of socket) {
      answer += String(chunk);
      if (answer.endsWith('\n\n')) return answer;
    }
    return undefined;
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}
