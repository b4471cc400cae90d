// SPDX-License-Identifier: AGPL-3.0-or-later
import { type KeyObject, sign } from 'node:crypto';
import type { z } from 'zod';
import { elementLength } from '../../bytes/formats/der-reader.ts';
import {
  BELIEVED,
  type Believed,
  GRANT,
  type Grant,
  QUESTION,
  REFUSAL,
  readMessage,
  writeMessage,
} from '../../contracts/activation/messages.ts';
import { assertDeclared } from '../../core/inventory/guard.ts';
import { type BootKeys, bindingOf, type Purpose } from '../../verify/attestation/evidence.ts';
import type { AttestationRefused } from '../../verify/attestation/refusal.ts';
import type { Post } from './post.os.ts';
import type { Tpm } from './tpm.os.ts';

export interface Prover {
  readonly tpm: Tpm;
  readonly post: Post;
  /** The firmware's event log. */
  readonly log: () => Uint8Array;
}

/** What a machine asks for, and the keys it has made. */
export interface Claim<P extends Purpose = Purpose> {
  readonly purpose: P;
  /** TPMT_PUBLIC of the boot's attestation key. */
  readonly attestationKey: Uint8Array;
  readonly keys: BootKeys;
  readonly server: KeyObject;
}

/** What a machine is given that is accepted. */
type Given<P extends Purpose> = P extends 'attest' ? Believed : Grant;

const GIVEN: { readonly [P in Purpose]: z.ZodType<Given<P>> } = { activate: GRANT, renew: GRANT, attest: BELIEVED };

/** The same, with what the quote was bound to. */
export type Proven<P extends Purpose = 'activate'> = Given<P> & { readonly binding: Uint8Array };

/** The activator answered something that is not of the agreed form. */
export interface Unusable {
  readonly unusable: 'answer';
}

/** Proves to the activator what this machine runs. Throws when the activator cannot be reached, or the TPM fails. */
export async function prove<P extends Purpose>(
  { tpm, post, log }: Prover,
  claim: Claim<P>,
): Promise<Proven<P> | AttestationRefused | Unusable> {
  const certificate = withoutPadding(await tpm.endorsementCertificate());
  const challenge = { certificate, attestation_key: claim.attestationKey };
  assertDeclared('attested.challenge', challenge);
  const asked = understood(await post('/v1/challenge', writeMessage(challenge)), QUESTION);
  if (!('nonce' in asked)) return asked;

  const { purpose, keys } = claim;
  const { question, nonce, credential } = asked;
  const secret = await tpm.activate(credential);
  const binding = bindingOf(purpose, nonce, keys);
  const quoted = await tpm.quote(binding);
  const proof = new Uint8Array(sign('sha256', binding, claim.server));
  const evidence = { purpose, question, nonce, secret, ...quoted, log: log(), ...keys, proof };
  assertDeclared('attested.evidence', evidence);
  const given = understood(await post('/v1/evidence', writeMessage(evidence)), GIVEN[claim.purpose]);
  return 'refused' in given || 'unusable' in given ? given : { ...given, binding };
}

function understood<T extends object>(text: string, schema: Parameters<typeof readMessage<T>>[0]) {
  return readMessage(schema, text) ?? readMessage(REFUSAL, text) ?? ({ unusable: 'answer' } as const);
}

/** TPMs keep certificates in an area that may be larger. */
function withoutPadding(area: Uint8Array): Uint8Array {
  return area.subarray(0, elementLength(area) ?? area.length);
}
