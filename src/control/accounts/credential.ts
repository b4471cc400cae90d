// SPDX-License-Identifier: AGPL-3.0-or-later
import { ntHashOf } from '../../bytes/hashes/md4.ts';
import { nameKeyOf, verifierOf } from '../../contracts/authfile/credential.ts';
import type { LicenceId } from '../../core/licences/licence.ts';
import type { Random } from '../../core/random/random.ts';
import type { Tables } from '../database/tables.ts';

/** Secrets for the tunnels, all random, 20 characters each. Shown once and kept nowhere. */
export interface VpnCredentials {
  readonly username: string;
  /** OpenVPN. */
  readonly password: string;
  /** IKEv2 has its own, because its verifier is worth as much as the password. */
  readonly ikePassword: string;
}

/** 14 random bytes, the same for all credentials of a service: with 20 + 1 + 20 they fill one block of SHA-256. */
export type CredentialSalt = Uint8Array & { readonly __unit: 'credential salt' };

/**
 * Small letters and digits without 0, 1, l and o: told apart in every typeface, and typed on a television without a
 * shift key. 32 of them, so that every byte gives one.
 */
const ALPHABET = '23456789abcdefghijkmnpqrstuvwxyz';

/** 20 characters are 100 bits. */
const LENGTH = 20;

/** Three secrets that have nothing to do with each other, with the account number or with the licence. */
export function drawCredentials(random: Random): VpnCredentials {
  const secret = () => Array.from(random.bytes(LENGTH), (byte) => ALPHABET[byte & 31]).join('');
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
