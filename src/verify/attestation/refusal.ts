// SPDX-License-Identifier: AGPL-3.0-or-later

/** Why a machine is refused: every reason there is, in the order in which things are looked at. */
export const REFUSALS = {
  oversized: 'the message is larger than any honest one',
  malformed: 'the message is not of the agreed form',
  policy_unusable: "the activator's own policy file cannot be read; everybody is refused",

  ek_certificate: 'that is not the certificate of a TPM endorsement key of a known kind',
  ek_chain: 'no trusted maker of TPMs has signed the certificate',
  ek_unknown: 'no gateway is enrolled with this TPM',
  ek_elsewhere: 'the endorsement key is bound to another gateway',
  ak_format: 'the attestation key is not a P-256 key for ECDSA with SHA-256',
  ak_attributes: 'the attestation key could sign what its TPM did not make, or leave its TPM',

  nonce_unknown: 'this activator has not asked that question',
  nonce_expired: 'the answer comes too late',
  nonce_used: 'the question was answered before',
  credential: 'the TPM does not hold both the endorsement key and the attestation key',
  quote_format: 'the quote is cut or malformed',
  quote_kind: 'what was signed is not a quote that a TPM made',
  signature: 'the attestation key has not signed the quote',
  signer: 'the attestation key is none of the endorsement hierarchy, whose counters are true',
  nonce: 'the quote answers another question',
  binding: 'the keys are not those that the quote was made for',
  pcr_selection: 'the quote is not about the agreed PCRs',
  pcr_digest: 'the PCR values are not those quoted',
  log_format: 'the event log is malformed',
  log_event: 'an event is not what its digest was made of',
  log_replay: 'the event log does not lead to the quoted values',
  secure_boot: 'PCR 7 does not show Secure Boot with our keys',
  command_line: 'PCR 12 shows that something was added to the kernel command line',
  release_unknown: 'the machine runs no release that the policy knows',
  release_revoked: 'the release is revoked',
  release_early: 'the release is not allowed yet',
  release_expired: 'the release is not allowed any more',
  release_old: 'the release is older than the oldest that is allowed',
  firmware: 'PCR 0 or 2 is not what was enrolled for this machine',

  counters: "the TPM's counters have gone back",
  already_activated: 'the machine was given its secrets in this boot',
  not_activated: 'the machine was never given its secrets',
  another_boot: 'the machine was given its secrets in another boot',
  ak_changed: 'the attestation key is not the one of this boot',
  keys_changed: 'the keys are not those of this boot',
  handover: 'PCR 15 does not fit: secrets were handed over when they should not have been, or the reverse',
  server_key: 'the server key is not RSA with 4096 bits, or the machine cannot sign with it',
} as const;

export type AttestationRefusal = keyof typeof REFUSALS;

export interface AttestationRefused {
  readonly refused: AttestationRefusal;
}

export function refused(code: AttestationRefusal): AttestationRefused {
  return { refused: code };
}

export function isRefused(outcome: object): outcome is AttestationRefused {
  return 'refused' in outcome;
}
