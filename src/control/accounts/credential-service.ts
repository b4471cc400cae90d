// SPDX-License-Identifier: AGPL-3.0-or-later
import type { Random } from '../../core/random/random.ts';
import type { Database } from '../database/tables.ts';
import type { Customer } from './account.ts';
import { replaceCredential } from './credential.store.ts';
import { type CredentialSalt, drawCredentials, recordOf, type VpnCredentials } from './credential.ts';

export interface CredentialsContext {
  readonly db: Database;
  readonly random: Random;
  readonly salt: CredentialSalt;
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
    const { db, random, salt, changed } = this.#context;
    const credentials = drawCredentials(random);
    await replaceCredential(db, recordOf(salt, customer.licence.id, credentials));
    changed();
    return credentials;
  }
}

/** What pages and API see of it. */
export type Credentials = Pick<CredentialService, keyof CredentialService>;
