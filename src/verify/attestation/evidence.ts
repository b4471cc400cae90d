// SPDX-License-Identifier: AGPL-3.0-or-later
import { joined } from '../../bytes/formats/der.ts';
import { sha256 } from '../../bytes/formats/fingerprint.ts';
import { ALGORITHM, type PcrSelection, wrapped } from '../../bytes/formats/tpm.ts';

/** What a machine sends to prove what it runs. All of it is hostile until judged. */
export interface Evidence {
  /** TPMS_ATTEST, as the TPM wrote it. */
  readonly quote: Uint8Array;
  /** TPMT_SIGNATURE */
  readonly signature: Uint8Array;
  /** Values of {@link QUOTED_PCRS}, 32 bytes each, in that order. */
  readonly pcrs: Uint8Array;
  /** The firmware's event log. */
  readonly log: Uint8Array;
  /** Which question it answers. */
  readonly nonce: Uint8Array;
  readonly keys: BootKeys;
}

/** Public halves of the keys that the machine made in this boot. */
export interface BootKeys {
  /** SubjectPublicKeyInfo of the key that OpenVPN and IKEv2 clients meet. */
  readonly server: Uint8Array;
  /** X25519, 32 bytes. */
  readonly wireguard: Uint8Array;
  /** X25519, 32 bytes: secrets are sealed to it. */
  readonly handover: Uint8Array;
}

/** What the machine asks for: its secrets, once a boot; a new certificate; or nothing but to be judged again. */
export const PURPOSES = ['activate', 'renew', 'attest'] as const;

export type Purpose = (typeof PURPOSES)[number];

/** 0, 2: firmware. 4, 7, 9, 11: the release. 12: must stay empty. 15: whether secrets were handed over. */
export const QUOTED_PCRS = [0, 2, 4, 7, 9, 11, 12, 15] as const;

export type QuotedPcr = (typeof QUOTED_PCRS)[number];

/** What the guest extends by the SHA-256 of the secrets before it uses them. */
export const HANDOVER_PCR = 15;

export const PCR_LENGTH = 32;

/** Bytes. The largest honest log seen has about 40 000. */
export const MAXIMUM = { certificate: 8192, publicArea: 512, quote: 512, signature: 128, log: 262_144 } as const;

/**
 * What the quote must carry as qualifying data: it ties together question, purpose and each key. 32 bytes, the most
 * that every TPM takes.
 */
export function bindingOf(purpose: Purpose, nonce: Uint8Array, keys: BootKeys): Uint8Array {
  const label = new TextEncoder().encode(`lethe-quote-v1 ${purpose}\0`);
  return sha256(label, wrapped(nonce), keysDigest(keys));
}

/** One hash over the keys of one boot. */
export function keysDigest({ server, wireguard, handover }: BootKeys): Uint8Array {
  return sha256(joined([server, wireguard, handover].map(wrapped)));
}

/** What a PCR holds after an extension. */
export function extended(value: Uint8Array, digest: Uint8Array): Uint8Array {
  return sha256(value, digest);
}

/** The value of PCR 15 once the machine has taken secrets with this digest. */
export function handedOver(secrets: Uint8Array): Uint8Array {
  return extended(new Uint8Array(PCR_LENGTH), secrets);
}

export function isAgreedSelection(selections: readonly PcrSelection[]): boolean {
  const [only, ...more] = selections;
  return more.length === 0 && only?.bank === ALGORITHM.sha256 && only.pcrs.join() === QUOTED_PCRS.join();
}
