// SPDX-License-Identifier: AGPL-3.0-or-later

import { FLEET_DOCUMENTS } from '../../contracts/fleet/endpoints.ts';
import {
  type Beat,
  ENDS,
  type FleetMessage,
  type FleetMessageKind,
  type GatewayStatus,
  MOST_BEATS,
  parseFleetBody,
  type UsageBatch,
} from '../../contracts/fleet/messages.ts';
import { Contact } from '../../core/journal/contact.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { SessionId } from '../../core/sessions/session.ts';
import { passExit } from './exit.ts';
import { type Away, type Document, type FleetClient, LIMITS } from './fleet-client.os.ts';
import type { Delivery } from './outbox.ts';

/** Everything that the gateway and control say to each other. Says once that control is away, and once that it is back. */
export class ControlLink {
  readonly #client: FleetClient;
  readonly #journal: Journal;
  readonly #contact: Contact;
  #closed = false;

  constructor(client: FleetClient, journal: Journal) {
    this.#client = client;
    this.#journal = journal;
    this.#contact = new Contact(journal, { lost: { code: 'control_lost' }, found: { code: 'control_found' } });
  }

  /** `wait`: control may take so many seconds to say that there is nothing new. */
  async authFile(etag: string | undefined, wait = 0): Promise<Document | 'unchanged' | Away> {
    return this.#heard(await this.#client.fetch(FLEET_DOCUMENTS.authfile, etag, LIMITS.authFile, wait));
  }

  async expected(etag: string | undefined): Promise<Document | 'unchanged' | Away> {
    return this.#heard(await this.#client.fetch(FLEET_DOCUMENTS.expected, etag, LIMITS.document));
  }

  /**
   * Tells of the live sessions, oldest first, and is told which are over their licence's seats. A malformed answer counts
   * as none. One message replaces the one before, so what is too much for one cannot follow in another: the newest are
   * left out.
   */
  async beats(beats: readonly Beat[]): Promise<readonly SessionId[]> {
    const answer = await this.#say('beats', { beats: beats.slice(0, MOST_BEATS) });
    return answer === 'away' ? [] : this.#heard(parseFleetBody(ENDS, answer)?.end ?? 'away', []);
  }

  async usage(batch: UsageBatch): Promise<Delivery> {
    return (await this.#say('usage', batch)) === 'away' ? 'away' : 'taken';
  }

  async status(status: GatewayStatus): Promise<void> {
    await this.#say('status', status);
  }

  close(): void {
    this.#closed = true;
    this.#client.close();
  }

  /** What the exit refuses is as undelivered as what control does not take. */
  async #say<Kind extends FleetMessageKind>(kind: Kind, message: FleetMessage<Kind>): Promise<Uint8Array | Away> {
    const outgoing = passExit(kind, message, this.#journal);
    return outgoing === undefined ? 'away' : this.#heard(await this.#client.post(outgoing));
  }

  #heard<T>(answer: T | Away): T | Away;
  #heard<T>(answer: T | Away, otherwise: T): T;
  #heard<T>(answer: T | Away, otherwise: T | Away = 'away'): T | Away {
    if (answer === 'away') {
      // What we broke off ourselves is no loss.
      if (!this.#closed) this.#contact.lost();
      return otherwise;
    }
    this.#contact.found();
    return answer;
  }
}
