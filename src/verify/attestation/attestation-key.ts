// SPDX-License-Identifier: AGPL-3.0-or-later
import { createPublicKey, type KeyObject } from 'node:crypto';
import { ATTRIBUTE, nameOf, parseEccPublic, type TpmName } from '../../bytes/formats/tpm.ts';
import { type AttestationRefused, refused } from './refusal.ts';

/** A key that signs nothing but what its TPM says about itself. */
export interface AttestationKey {
  readonly name: TpmName;
  readonly key: KeyObject;
}

const { fixedTpm, fixedParent, sensitiveDataOrigin, userWithAuth, restricted, sign, noDa } = ATTRIBUTE;

/**
 * `restricted` is what matters most: such a key signs no bytes from outside that look like a quote. With `noDa`, a
 * machine that loses its power a few times is not locked out of its own TPM.
 */
const REQUIRED = fixedTpm | fixedParent | sensitiveDataOrigin | userWithAuth | noDa | restricted | sign;

/** Reads and judges the public area (TPMT_PUBLIC) of an attestation key. */
export function judgeAttestationKey(area: Uint8Array): AttestationKey | AttestationRefused {
  const parsed = parseEccPublic(area);
  if (parsed === undefined) return refused('ak_format');
  if (parsed.attributes !== REQUIRED || parsed.policy.length > 0) return refused('ak_attributes');
  const key = p256(parsed.x, parsed.y);
  return key === undefined ? refused('ak_format') : { name: nameOf(area), key };
}

/** Undefined when the point is not on the curve. */
function p256(x: Uint8Array, y: Uint8Array): KeyObject | undefined {
  const coordinate = (bytes: Uint8Array) => bytes.toBase64({ alphabet: 'base64url', omitPadding: true });
  try {
    return createPublicKey({ key: { kty: 'EC', crv: 'P-256', x: coordinate(x), y: coordinate(y) }, format: 'jwk' });
  } catch {
    return undefined;
  }
}
