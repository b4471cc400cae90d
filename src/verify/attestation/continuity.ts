// SPDX-License-Identifier: AGPL-3.0-or-later
import { sameBytes } from '../../bytes/formats/fingerprint.ts';
import type { TpmName } from '../../bytes/formats/tpm.ts';
import { handedOver, PCR_LENGTH, type Purpose } from './evidence.ts';
import type { AttestationVerdict } from './judge.ts';
import type { AttestationRefusal } from './refusal.ts';

/** The boot in which a machine was last given its secrets. */
export interface ActivatedBoot {
  readonly resets: number;
  readonly restarts: number;
  /** Milliseconds on the TPM's clock, at the last quote that was known when the next one was asked for. */
  readonly milliseconds: bigint;
  readonly attestationKey: TpmName;
  /** Digest of the boot's keys. */
  readonly keys: Uint8Array;
  /** SHA-256 of the secrets. */
  readonly secrets: Uint8Array;
}

/*
 *            activate, more resets             renew or attest, same boot and keys
 *   (none) ────────────────────────▶ boot n ────────────────────────────────▶ boot n
 *                                      │ activate, more resets
 *                                      └──────────────────────▶ boot n+1
 *
 * Every other step is refused. A machine that slept and woke has the same resets and more restarts: it is not the boot
 * that was activated, and cannot be.
 */

/** What is established already about the boot that asks. */
export interface AskingBoot extends Pick<AttestationVerdict, 'clock' | 'handover'> {
  readonly attestationKey: TpmName;
  /** Digest of the boot's keys. */
  readonly keys: Uint8Array;
}

/** Why this step may not be taken; undefined when it may. */
export function discontinuity(
  purpose: Purpose,
  last: ActivatedBoot | undefined,
  now: AskingBoot,
): AttestationRefusal | undefined {
  if (last !== undefined && hasGoneBack(last, now.clock)) return 'counters';
  return purpose === 'activate' ? whyNoActivation(last, now) : whyNotTheSame(last, now);
}

function hasGoneBack(last: ActivatedBoot, { resets, restarts, milliseconds }: AskingBoot['clock']): boolean {
  if (resets !== last.resets) return resets < last.resets;
  return restarts < last.restarts || milliseconds < last.milliseconds;
}

function whyNoActivation(
  last: ActivatedBoot | undefined,
  { clock, handover }: AskingBoot,
): AttestationRefusal | undefined {
  if (clock.resets === last?.resets) return 'already_activated';
  return sameBytes(handover, new Uint8Array(PCR_LENGTH)) ? undefined : 'handover';
}

function whyNotTheSame(last: ActivatedBoot | undefined, now: AskingBoot): AttestationRefusal | undefined {
  if (last === undefined) return 'not_activated';
  const { resets, restarts } = now.clock;
  if (resets !== last.resets || restarts !== last.restarts) return 'another_boot';
  if (!sameBytes(now.attestationKey, last.attestationKey)) return 'ak_changed';
  if (!sameBytes(now.keys, last.keys)) return 'keys_changed';
  return sameBytes(now.handover, handedOver(last.secrets)) ? undefined : 'handover';
}
