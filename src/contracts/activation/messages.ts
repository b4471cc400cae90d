// SPDX-License-Identifier: AGPL-3.0-or-later
import { z } from 'zod';
import { parseJson } from '../../bytes/formats/json.ts';
import { MAXIMUM, PURPOSES } from '../../verify/attestation/evidence.ts';
import { type AttestationRefusal, REFUSALS } from '../../verify/attestation/refusal.ts';

/*
 * What a machine and the activator say to each other: two questions and two answers, in JSON over TLS.
 *
 *   machine                                                    activator
 *     │ POST /v1/challenge   endorsement certificate, attestation key │
 *     ├──────────────────────────────────────────────────────────────▶│
 *     │◀── nonce, credential that only that TPM opens, sealed note ────┤
 *     │ POST /v1/evidence    secret, quote, log, fresh public keys    │
 *     ├──────────────────────────────────────────────────────────────▶│
 *     │◀── certificate, and once a boot the sealed secrets ────────────┤
 *     │    (or nothing but that it is accepted)                       │
 */

/** Base64 of at most so many bytes, or of exactly so many. */
function bytes(maximum: number, minimum = 0) {
  return z
    .base64()
    .max(Math.ceil(maximum / 3) * 4)
    .transform((text): Uint8Array => Uint8Array.fromBase64(text))
    .refine((value) => value.length <= maximum && value.length >= minimum);
}

const exactly = (length: number) => bytes(length, length);

export const CHALLENGE = z.strictObject({
  certificate: bytes(MAXIMUM.certificate),
  attestation_key: bytes(MAXIMUM.publicArea),
});

export const QUESTION = z.strictObject({
  /** What the activator asked, sealed to itself: so it remembers nothing about strangers. */
  question: bytes(1024),
  nonce: exactly(32),
  credential: z.strictObject({ object: bytes(256), secret: bytes(512) }),
});

export const EVIDENCE = z.strictObject({
  purpose: z.enum(PURPOSES),
  question: bytes(1024),
  nonce: exactly(32),
  secret: bytes(64),
  quote: bytes(MAXIMUM.quote),
  signature: bytes(MAXIMUM.signature),
  pcrs: bytes(512),
  log: bytes(MAXIMUM.log),
  server: bytes(1024),
  wireguard: exactly(32),
  handover: exactly(32),
  proof: bytes(1024),
});

export const GRANT = z.strictObject({
  /** PEM, for the server key. */
  certificate: z.string().max(8192),
  /** The secrets, sealed to the boot's key; only once a boot. */
  sealed: bytes(65_536).optional(),
});

/** What a machine is told that asked for nothing. */
export const BELIEVED = z.strictObject({ believed: z.literal(true) });

export const REFUSAL = z.strictObject({
  refused: z.enum(Object.keys(REFUSALS) as [AttestationRefusal, ...AttestationRefusal[]]),
});

export type Challenge = z.output<typeof CHALLENGE>;
export type Question = z.output<typeof QUESTION>;
export type EvidenceMessage = z.output<typeof EVIDENCE>;
export type Grant = z.output<typeof GRANT>;
export type Believed = z.output<typeof BELIEVED>;

/** The longest message of each direction, in bytes. */
export const LONGEST = { toActivator: 400_000, toMachine: 120_000 } as const;

/** Undefined for anything that is not exactly such a message. */
export function readMessage<T>(schema: z.ZodType<T>, text: string): T | undefined {
  const json = parseJson(text);
  if ('problem' in json) return undefined;
  const result = schema.safeParse(json.value);
  return result.success ? result.data : undefined;
}

/** JSON with byte strings in base64. */
export function writeMessage(message: Readonly<Record<string, unknown>>): string {
  const written = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return value.toBase64();
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, written(inner)]));
  };
  return JSON.stringify(written(message));
}
