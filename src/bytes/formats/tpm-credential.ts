// SPDX-License-Identifier: AGPL-3.0-or-later
import { constants, createCipheriv, createHmac, type KeyObject, publicEncrypt } from 'node:crypto';
import { joined } from './der.ts';
import { bigEndian } from './reader.ts';
import { type TpmName, wrapped } from './tpm.ts';

/** What TPM2_ActivateCredential takes: only a TPM that holds both keys gives the secret back. */
export interface Credential {
  /** TPM2B_ID_OBJECT */
  readonly object: Uint8Array;
  /** TPM2B_ENCRYPTED_SECRET */
  readonly secret: Uint8Array;
}

const LABEL = Buffer.from('IDENTITY\0');

/**
 * TPM2_MakeCredential without a TPM (Part 1, §24; Annex B.10.4) for an RSA endorsement key of the default template,
 * whose symmetric algorithm is AES-128-CFB and whose hash is SHA-256. `seed` is 32 random bytes; `secret` at most 32.
 */
export function makeCredential(
  endorsementKey: KeyObject,
  name: TpmName,
  { seed, secret }: { readonly seed: Uint8Array; readonly secret: Uint8Array },
): Credential {
  const encryptedSeed = publicEncrypt(
    { key: endorsementKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256', oaepLabel: LABEL },
    seed,
  );
  const cipher = createCipheriv('aes-128-cfb', derive(seed, 'STORAGE', name, 128), new Uint8Array(16));
  const identity = joined([cipher.update(wrapped(secret)), cipher.final()]);
  const integrity = createHmac('sha256', derive(seed, 'INTEGRITY', new Uint8Array(0), 256))
    .update(identity)
    .update(name)
    .digest();
  return { object: wrapped(joined([wrapped(integrity), identity])), secret: wrapped(encryptedSeed) };
}

/** KDFa (Part 1, §11.4.10.2) with SHA-256: SP 800-108 in counter mode; one round suffices for up to 256 bits. */
function derive(key: Uint8Array, label: string, context: Uint8Array, bits: 128 | 256): Uint8Array {
  const round = createHmac('sha256', key)
    .update(bigEndian(1, 4))
    .update(`${label}\0`)
    .update(context)
    .update(bigEndian(bits, 4))
    .digest();
  return new Uint8Array(round.subarray(0, bits / 8));
}

/** The file that tpm2_activatecredential(1) of tpm2-tools reads: magic, version, both halves. */
export function credentialFile({ object, secret }: Credential): Uint8Array {
  return joined([bigEndian(0xbadc_c0de, 4), bigEndian(1, 4), object, secret]);
}
