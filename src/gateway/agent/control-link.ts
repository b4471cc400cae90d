// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from 'zod';
import { Contact } from '../../core/journal/contact.ts';
import type { Journal } from '../../core/journal/journal.ts';
import type { SessionId } from '../../core/sessions/session.ts';
import type { Beat } from '../sessions/live.ts';
import { type Message, passExit, type Status } from './exit.ts';
import { type Away, type Document, type FleetClient, LIMITS } from './fleet.os.ts';
import type { Batch, Delivery } from './outbox.ts';

const ENDS = z.strictObject({ end: z.array(z.string().regex(/^[0-9a-f]{16}$/)) });

/** Everything that the gateway and control say to each other. Says once that control is away, and once that it is back. */
export class ControlLink {
  readonly #client: FleetClient;
  readonly #journal: Journal;
  readonly #contact: Contact;

  constructor(client: FleetClient, journal: Journal) {
    this.#client = client;
    this.#journal = journal;
    this.#contact = new Contact(journal, { lost: { code: 'control_lost' }, found: { code: 'control_found' } });
  }

  async authFile(etag: string | undefined): Promise<Document | 'unchanged' | Away> {
    return this.#heard(await this.#client.fetch('/fleet/v1/authfile', etag, LIMITS.authFile));
  }

  async expected(etag: string | undefined): Promise<Document | 'unchanged' | Away> {
    return this.#heard(await this.#client.fetch('/fleet/v1/expected', etag, LIMITS.document));
  }

  /** Tells of every live session, and is told which of them are over their licence's seats. */
  async beats(beats: readonly Beat[]): Promise<SessionId[]> {
    const answer = await this.#say({ kind: 'beats', beats });
    return answer === 'away' ? [] : this.#heard(endsOf(answer), []);
  }

  async usage(batch: Batch): Promise<Delivery> {
    return (await this.#say({ kind: 'usage', batch })) === 'away' ? 'away' : 'taken';
  }

  async status(status: Status): Promise<void> {
    await this.#say({ kind: 'status', status });
  }

  close(): void {
    this.#client.close();
  }

  /** What the exit refuses is as undelivered as what finds nobody. */
  async #say(message: Message): Promise<Uint8Array | Away> {
    const outgoing = passExit(message, this.#journal);
    return outgoing === undefined ? 'away' : this.#heard(await this.#client.post(outgoing));
  }

  #heard<T>(answer: T | Away): T | Away;
  #heard<T>(answer: T | Away, otherwise: T): T;
  #heard<T>(answer: T | Away, otherwise: T | Away = 'away'): T | Away {
    if (answer === 'away') {
      this.#contact.lost();
      return otherwise;
    }
    this.#contact.found();
    return answer;
  }
}

/** An answer that is not as agreed counts as none. */
function endsOf(body: Uint8Array): SessionId[] | Away {
  try {
    return ENDS.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))).end as SessionId[];
  } catch {
    return 'away';
  }
}
