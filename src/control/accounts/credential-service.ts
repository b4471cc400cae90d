// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Random } from '../../core/random/random.ts';
import type { Database } from '../database/tables.ts';
import { lockLicence } from './account.store.ts';
import type { Customer } from './account.ts';
import { nameKeyNow, replaceCredential } from './credential.store.ts';
import { type CredentialSalt, drawCredentials, recordOf, type VpnCredentials } from './credential.ts';
import type { Forms } from './forms.ts';

export interface CredentialsContext {
  readonly db: Database;
  readonly random: Random;
  readonly salt: CredentialSalt;
  readonly forms: Forms;
  /** Called when the auth file has to be made anew. */
  readonly changed: () => void;
}

export class CredentialService {
  readonly #context: CredentialsContext;

  constructor(context: CredentialsContext) {
    this.#context = context;
  }

  /** Makes new ones; the old ones stop working as soon as the gateways have the next auth file. */
  async rotate(customer: Customer): Promise<VpnCredentials> {
    const credentials = drawCredentials(this.#context.random);
    await this.#inTurn(customer, (transaction) => replaceCredential(transaction, this.#record(customer, credentials)));
    this.#context.changed();
    return credentials;
  }

  /** Whether the customer has any. Which cannot be said: only hashes are kept. */
  async present(customer: Customer): Promise<boolean> {
    return (await nameKeyNow(this.#context.db, customer.licence.id)) !== undefined;
  }

  /** The hidden field of a form that makes new ones in place of those that are there. */
  async form(customer: Customer): Promise<string> {
    return this.#context.forms.make(purposeOf(customer), await this.#state(this.#context.db, customer));
  }

  /**
   * One form makes new ones once, and shows the same when it is sent again. `stale`: not this customer's form, too old,
   * or others have been made since; then nothing changes.
   */
  async rotateOnce(customer: Customer, form: string): Promise<VpnCredentials | 'stale'> {
    const opened = this.#context.forms.open(purposeOf(customer), form);
    if (opened === undefined) return 'stale';
    const credentials = drawCredentials(opened.random);
    const record = this.#record(customer, credentials);
    const outcome = await this.#inTurn(customer, async (transaction) => {
      const state = await this.#state(transaction, customer);
      if (state === stateOf(record.name_key)) return 'shown again';
      if (!opened.saw(state)) return 'stale';
      await replaceCredential(transaction, record);
      return 'made';
    });
    if (outcome === 'made') this.#context.changed();
    return outcome === 'stale' ? 'stale' : credentials;
  }

  #record({ licence }: Customer, credentials: VpnCredentials) {
    return recordOf(this.#context.salt, licence.id, credentials);
  }

  async #state(db: Database, { licence }: Customer): Promise<string> {
    return stateOf(await nameKeyNow(db, licence.id));
  }

  #inTurn<T>({ licence }: Customer, change: (transaction: Database) => Promise<T>): Promise<T> {
    return this.#context.db.transaction().execute(async (transaction) => {
      await lockLicence(transaction, licence.id);
      return change(transaction);
    });
  }
}

function purposeOf({ account }: Customer): string {
  return `credentials ${account}`;
}

function stateOf(nameKey: Uint8Array | undefined): string {
  return nameKey === undefined ? '' : Buffer.from(nameKey).toString('hex');
}

/** What pages and API see of it. */
export type Credentials = Pick<CredentialService, keyof CredentialService>;
