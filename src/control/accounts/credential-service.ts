// SPDX-License-Identifier: AGPL-3.0-or-later

import { ntHashOf } from '../../bytes/hashes/md4.ts';
import { nameKeyOf, verifierOf } from '../../contracts/authfile/credential.ts';
import type { LicenceId } from '../../core/licences/licence.ts';
import type { Random } from '../../core/random/random.ts';
import type { Database, Tables } from '../database/tables.ts';
import type { Customer } from './account.ts';
import { replaceCredential } from './credential.store.ts';
import type { Credentials, VpnCredentials } from './credential.ts';

/** 14 random bytes, the same for all credentials of a service: with 20 + 1 + 20 they fill one block of SHA-256. */
export type CredentialSalt = Uint8Array & { readonly __unit: 'credential salt' };

/** 15 random bytes are 120 bits and exactly 20 characters. */
const SECRET_BYTES = 15;

/** Three secrets that have nothing to do with each other, with the account number or with the licence (S1). */
export function drawCredentials(random: Random): VpnCredentials {
  const secret = () => Buffer.from(random.bytes(SECRET_BYTES)).toString('base64url');
  return { username: secret(), password: secret(), ikePassword: secret() };
}

/** What is kept of them: hashes. */
export function recordOf(
  salt: CredentialSalt,
  licence: LicenceId,
  { username, password, ikePassword }: VpnCredentials,
): Tables['credentials'] {
  return {
    licence,
    verifier: verifierOf(salt, username, password),
    name_key: nameKeyOf(salt, username),
    nt_hash: ntHashOf(ikePassword),
  };
}

export interface CredentialsContext {
  readonly db: Database;
  readonly random: Random;
  readonly salt: CredentialSalt;
  /** Called when the auth file has to be made anew. */
  readonly changed: () => void;
}

export class CredentialService implements Credentials {
  readonly #context: CredentialsContext;

  constructor(context: CredentialsContext) {
    this.#context = context;
  }

  async rotate(customer: Customer): Promise<VpnCredentials> {
    const { db, random, salt, changed } = this.#context;
    const credentials = drawCredentials(random);
    await replaceCredential(db, recordOf(salt, customer.licence.id, credentials));
    changed();
    return credentials;
  }
}
