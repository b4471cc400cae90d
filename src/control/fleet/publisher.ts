// SPDX-License-Identifier: AGPL-3.0-or-later
import type { KeyObject } from 'node:crypto';
import { sealAuthFile } from '../../contracts/authfile/seal.ts';
import { type Clock, type EpochDay, today } from '../../core/clock/clock.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { LicenceId } from '../../core/licences/licence.ts';
import type { CredentialSalt } from '../accounts/credential.ts';
import type { Database } from '../database/tables.ts';
import type { UsageKey } from '../usage/tag.ts';
import { nextRecords } from './authfile.store.ts';
import { WaitingGateways } from './waiting.ts';

export interface PublishedAuthFile {
  readonly version: number;
  readonly bytes: Uint8Array;
}

export interface PublisherContext {
  readonly db: Database;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly salt: CredentialSalt;
  readonly usageKey: UsageKey;
  /** Ed25519, private. */
  readonly signingKey: KeyObject;
}

/** Changes are gathered for this long before a file is made, and a failure waits as long, in milliseconds. */
export const GATHERING = 500;

/**
 * Makes the auth file: when something has changed, and on each new day, when licences end, and leave it
 * {@link EXPLAINED} days later.
 *
 *     fresh --changed/new day--> stale --GATHERING passed--> sealing --done--> fresh
 *                                  ^------- failed, or changed meanwhile -------'
 */
export class AuthFilePublisher {
  readonly #context: PublisherContext;
  readonly #waiting = new WaitingGateways();
  #published: PublishedAuthFile | undefined;
  #seats: ReadonlyMap<LicenceId, number> = new Map();
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
    return this.#seats.get(licence) ?? 0;
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
    if (this.#staleSince === undefined || clock.elapsed() - this.#staleSince < GATHERING) return;
    this.#sealing = this.#sealOrKeep();
    await this.#sealing;
    this.#sealing = undefined;
  }

  /** Whatever keeps a file from being made, gateways keep the one they have, and it is tried again. */
  async #sealOrKeep(): Promise<void> {
    try {
      await this.#seal();
    } catch {
      this.#context.journal.say({ code: 'failed', program: 'control', failure: 'authfile' });
      this.changed();
    }
  }

  async #seal(): Promise<void> {
    const { db, clock, salt, usageKey, signingKey } = this.#context;
    this.#staleSince = undefined;
    const day = today(clock);
    const records = await nextRecords(db, usageKey, day);
    const bytes = sealAuthFile({ ...records, salt }, signingKey);
    const valid = records.logins.filter(({ entitlement }) => entitlement.expiresOn >= day);
    this.#seats = new Map(valid.map(({ entitlement }) => [entitlement.licence, entitlement.seats]));
    this.#published = { version: records.version, bytes };
    this.#day = day;
    this.#waiting.wake();
  }
}
