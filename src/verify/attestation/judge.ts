// SPDX-License-Identifier: AGPL-3.0-or-later
import { verify } from 'node:crypto';
import { parseEventLog } from '../../bytes/formats/eventlog.ts';
import { sameBytes, sha256 } from '../../bytes/formats/fingerprint.ts';
import { parseEcdsaSignature, parseQuote, type Quote, qualifiedInEndorsement } from '../../bytes/formats/tpm.ts';
import type { AttestationKey } from './attestation-key.ts';
import {
  bindingOf,
  type Evidence,
  HANDOVER_PCR,
  isAgreedSelection,
  MAXIMUM,
  PCR_LENGTH,
  type Purpose,
  QUOTED_PCRS,
  type QuotedPcr,
} from './evidence.ts';
import { type AllowedRelease, type ReleasePolicy, releaseOf } from './policy.ts';
import { type AttestationRefused, isRefused, refused } from './refusal.ts';
import { eventsHold, replayed } from './replay.ts';

/** What the judge knows without the evidence. */
export interface Expectations {
  readonly attestationKey: AttestationKey;
  readonly purpose: Purpose;
  readonly nonce: Uint8Array;
  readonly policy: ReleasePolicy;
  /** PCRs 0 and 2 of this machine, once they are known. */
  readonly firmware: Firmware | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

/** Values of PCRs 0 and 2, 32 bytes each. */
export interface Firmware {
  readonly code: Uint8Array;
  readonly drivers: Uint8Array;
}

/** What the evidence proves. */
export interface AttestationVerdict {
  readonly release: AllowedRelease;
  readonly firmware: Firmware;
  readonly clock: Quote['clock'];
  /** Value of PCR 15. */
  readonly handover: Uint8Array;
}

type Values = Readonly<Record<QuotedPcr, Uint8Array>>;

const ZERO = new Uint8Array(PCR_LENGTH);

/**
 * Judges evidence: signature, freshness, what was measured, and whether that is allowed. It never throws, whatever the
 * evidence is. What happened in earlier boots is not looked at here.
 */
export function judge(evidence: Evidence, expectations: Expectations): AttestationVerdict | AttestationRefused {
  const quote = judgeQuote(evidence, expectations);
  if (isRefused(quote)) return quote;
  const values = judgeValues(evidence, quote);
  if (isRefused(values)) return values;
  const log = judgeLog(evidence.log, values);
  if (log !== undefined) return log;
  return judgeState(values, quote, expectations);
}

/** Who signed, and for what. */
function judgeQuote(evidence: Evidence, expectations: Expectations): Quote | AttestationRefused {
  const { attestationKey, nonce, purpose } = expectations;
  const quote = evidence.quote.length > MAXIMUM.quote ? 'format' : parseQuote(evidence.quote);
  if (quote === 'format') return refused('quote_format');
  if (quote === 'kind') return refused('quote_kind');
  const signature = parseEcdsaSignature(evidence.signature);
  const key = { key: attestationKey.key, dsaEncoding: 'ieee-p1363' } as const;
  if (signature === undefined || !verify('sha256', evidence.quote, key, signature)) return refused('signature');
  if (!sameBytes(quote.qualifiedSigner, qualifiedInEndorsement(attestationKey.name))) return refused('signer');
  if (!sameBytes(evidence.nonce, nonce)) return refused('nonce');
  if (!sameBytes(quote.extraData, bindingOf(purpose, nonce, evidence.keys))) return refused('binding');
  return quote;
}

/** Whether the values are those that the TPM signed the digest of. */
function judgeValues({ pcrs }: Evidence, quote: Quote): Values | AttestationRefused {
  if (!isAgreedSelection(quote.selections)) return refused('pcr_selection');
  if (pcrs.length !== QUOTED_PCRS.length * PCR_LENGTH || !sameBytes(sha256(pcrs), quote.pcrDigest))
    return refused('pcr_digest');
  const values = QUOTED_PCRS.map((pcr, index) => [pcr, pcrs.subarray(index * PCR_LENGTH, (index + 1) * PCR_LENGTH)]);
  return Object.fromEntries(values) as Values;
}

function judgeLog(bytes: Uint8Array, values: Values): AttestationRefused | undefined {
  const log = bytes.length > MAXIMUM.log ? undefined : parseEventLog(bytes);
  if (log === undefined) return refused('log_format');
  if (!eventsHold(log.events)) return refused('log_event');
  const measured = QUOTED_PCRS.filter((pcr) => pcr !== HANDOVER_PCR);
  return measured.every((pcr) => sameBytes(replayed(log, pcr), values[pcr])) ? undefined : refused('log_replay');
}

/** Whether what runs may run, here and now. */
function judgeState(
  values: Values,
  { clock }: Quote,
  expectations: Expectations,
): AttestationVerdict | AttestationRefused {
  const { policy, now } = expectations;
  const release = releaseOf(values, policy, now);
  if (isRefused(release)) return release;
  if (!sameBytes(values[12], ZERO)) return refused('command_line');
  const firmware = { code: values[0], drivers: values[2] };
  const known = expectations.firmware;
  if (known !== undefined && !(sameBytes(known.code, firmware.code) && sameBytes(known.drivers, firmware.drivers)))
    return refused('firmware');
  return { release, firmware, clock, handover: values[HANDOVER_PCR] };
}
