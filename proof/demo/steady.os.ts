// SPDX-License-Identifier: AGPL-3.0-or-later
import { fileURLToPath } from 'node:url';
import { waitUntil } from '../../src/core/clock/until.ts';
import type { Namespace } from '../../src/host/namespaces/namespace.os.ts';
import type { Child } from '../../src/host/processes/process.os.ts';
import { INTERNET } from '../labs/internet/start.os.ts';
import { type World } from '../labs/internet/world.os.ts';
import type { Count } from './steady.ts';

const PROGRAM = fileURLToPath(new URL('steady.ts', import.meta.url));
const PORT = 7007;
/** Datagrams and bytes that must have come back after an event, before its toll is taken. */
const AFTERWARDS = { datagrams: 10, bytes: 65_536 };
const TIMEOUT = 300_000;
const NOTHING: Count = { sent: 0, last: 0, answered: 0, bytes: 0, broken: false };

/** What one tunnel's traffic lost while something happened. */
export interface Toll {
  /** Datagrams without an answer, of those sent meanwhile. */
  readonly lost: number;
  readonly sent: number;
  /** Bytes that the one TCP connection brought back meanwhile. */
  readonly bytes: number;
}

/** Traffic through the tunnel of a client, without a pause, to the demo's Internet. */
export class Steady {
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
  }

  /** Has the Internet answer; once in a world. */
  static async answering(world: World): Promise<void> {
    const child = await world.router.spawn([process.execPath, PROGRAM, 'answer', String(PORT)]);
    await waitUntil('somebody answers', () => child.output().includes('ready'), TIMEOUT);
  }

  static async start(namespace: Namespace): Promise<Steady> {
    const child = await namespace.spawn([process.execPath, PROGRAM, 'ask', INTERNET.address4, String(PORT)]);
    const steady = new Steady(child);
    await waitUntil('there is traffic', () => steady.#passed(NOTHING), TIMEOUT);
    return steady;
  }

  get count(): Count {
    const line = this.#child.output().split('\n').at(-2);
    return line === undefined ? NOTHING : (JSON.parse(line) as Count);
  }

  /** Lets something happen, waits until traffic flows after it, and gives what it cost. */
  async across(event: Promise<unknown>): Promise<Toll> {
    const before = this.count;
    await event;
    const end = this.count;
    await waitUntil('traffic has stopped', () => this.#passed(end), TIMEOUT);
    const after = this.count;
    return {
      lost: after.last - after.answered - (before.last - before.answered),
      sent: after.last - before.last,
      bytes: after.bytes - before.bytes,
    };
  }

  async stop(): Promise<void> {
    await this.#child.stop();
  }

  #passed({ sent, bytes }: Count): boolean {
    const { last, bytes: brought, broken } = this.count;
    if (broken) throw new Error('the connection through the tunnel broke');
    return last > sent + AFTERWARDS.datagrams && brought > bytes + AFTERWARDS.bytes;
  }
}
