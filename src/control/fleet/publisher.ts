// SPDX-License-Identifier: AGPL-3.0-or-later
import { type Clock, type EpochDay, today } from '../../core/clock/clock.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { LicenceId } from '../../core/licences/licence.ts';
import type { Sealed } from './sealing.os.ts';
import { WaitingGateways } from './waiting.ts';

export interface PublishedAuthFile {
  readonly version: number;
  readonly bytes: Uint8Array;
}

export interface PublisherContext {
  readonly clock: Clock;
  readonly journal: Journal;
  /** Makes the file of a day; not in the thread that answers customers. */
  readonly seal: (day: EpochDay) => Promise<Sealed>;
}

/** Changes are gathered for this long before a file is made, and a failure waits as long, in milliseconds. */
export const GATHERING = 500;

/**
 * Making files takes a twentieth of the time at most, unless that would make a change wait for longer than gateways wait
 * between two looks: half a minute. One customer who changes something every second costs no more than many who do.
 */
const SHARE = 20;
export const LONGEST_PAUSE = 30_000;

/**
 * Makes the auth file: when something has changed, and on each new day, when licences end, and leave it
 * EXPLAINED days later.
 *
 *     fresh --changed/new day--> stale --GATHERING and pause passed--> sealing --done--> fresh
 *                                  ^------- failed, or changed meanwhile -----------------'
 */
export class AuthFilePublisher {
  readonly #context: PublisherContext;
  readonly #waiting = new WaitingGateways();
  #published: PublishedAuthFile | undefined;
  #seats: Pick<Sealed, 'licences' | 'seats'> = { licences: new Float64Array(), seats: new Uint8Array() };
  #notBefore = 0;
  #day: EpochDay | undefined;
  #staleSince: number | undefined;
  #sealing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(context: PublisherContext) {
    this.#context = context;
  }

  get current(): PublishedAuthFile | undefined {
    return this.#published;
  }

  /** The seats of a licence that is in the file and has not ended; 0 for any other. */
  seatsOf(licence: LicenceId): number {
    const { licences, seats } = this.#seats;
    const index = firstFrom(licences, licence);
    return licences[index] === licence ? (seats[index] as number) : 0;
  }

  /** Resolves when a gateway that has `version` need not wait any more: there is another file, or the time is over. */
  async otherThan(version: number, gateway: string, milliseconds: number): Promise<void> {
    if (this.#published?.version === version) await this.#waiting.wait(gateway, milliseconds);
  }

  /** Says that a file made from now on would differ. */
  changed(): void {
    this.#staleSince ??= this.#context.clock.elapsed();
  }

  /** Makes the first file; throws when it cannot. From then on looks a few times a second whether one is due. */
  async start(): Promise<void> {
    await this.#seal();
    this.#timer = setInterval(() => void this.tick(), GATHERING / 4);
  }

  /** Resolves when a file that is being made is done. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#waiting.wake();
    await this.#sealing;
  }

  /** Makes a file when one is due. Resolves when it is done, or at once. */
  async tick(): Promise<void> {
    const { clock } = this.#context;
    if (this.#day !== today(clock)) this.changed();
    if (this.#sealing !== undefined) return this.#sealing;
    const now = clock.elapsed();
    if (this.#staleSince === undefined || now - this.#staleSince < GATHERING || now < this.#notBefore) return;
    this.#sealing = this.#sealOrKeep();
    await this.#sealing;
    this.#sealing = undefined;
  }

  /** Whatever keeps a file from being made, gateways keep the one they have, and it is tried again. */
  async #sealOrKeep(): Promise<void> {
    const { clock, journal } = this.#context;
    const began = clock.elapsed();
    try {
      await this.#seal();
    } catch {
      journal.say({ code: 'failed', program: 'control', failure: 'authfile' });
      this.changed();
    }
    const now = clock.elapsed();
    this.#notBefore = now + Math.min((now - began) * SHARE, LONGEST_PAUSE);
  }

  async #seal(): Promise<void> {
    const { clock, seal } = this.#context;
    this.#staleSince = undefined;
    const day = today(clock);
    const { version, bytes, licences, seats } = await seal(day);
    this.#seats = { licences, seats };
    this.#published = { version, bytes };
    this.#day = day;
    this.#waiting.wake();
  }
}

/** The index of the first licence that is not less. */
function firstFrom(licences: Float64Array, licence: LicenceId): number {
  let low = 0;
  let high = licences.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((licences[middle] as number) < licence) low = middle + 1;
    else high = middle;
  }
  return low;
}
